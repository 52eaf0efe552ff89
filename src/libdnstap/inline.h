/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * Returns whether a result is an error, as opposed to DNSTAP_OK or a status. Also exported as a
 * symbol. Any thread and any signal handler may call it.
 *
 * @param result  A result of this library; unknown numbers are allowed.
 * @return        Whether the result is below 0.
 */
static inline bool dnstap_is_error(dnstap_result result)
{
  return result < 0;
}

/**
 * Returns whether messages of a type are currently logged. If not, the caller need not prepare a
 * message for dnstap_log(). Costs a load and a branch. Also exported as a symbol. Any thread and
 * any signal handler may call it.
 *
 * @param queue  The queue; NULL is allowed, for servers without a sink.
 * @param type   One of enum dnstap_message_type; unknown numbers are allowed.
 * @return       Whether the type is enabled; false if `queue` is NULL or the type is unknown.
 */
static inline bool dnstap_enabled(const dnstap_queue *queue, uint32_t type)
{
  /* A queue begins with the set of enabled types. The library uses bit 0, which belongs to no
   * type. */
#ifdef __cplusplus
  const volatile uint32_t *types = reinterpret_cast<const volatile uint32_t *>(queue);
#else
  const volatile uint32_t *types = (const volatile uint32_t *)(const volatile void *)queue;
#endif
  if (!types || type == 0 || type >= 32)
    return false;
#ifdef __GNUC__
  return (__atomic_load_n(types, __ATOMIC_RELAXED) & UINT32_C(1) << type) != 0;
#else
  /* Other compilers, such as tcc, read an aligned volatile word with one instruction. */
  return (*types & UINT32_C(1) << type) != 0;
#endif
}

/**
 * Converts a struct timespec, as set by clock_gettime(CLOCK_REALTIME, ...), to a dnstap_time.
 *
 * @param time  The time; must not be NULL.
 * @return      The same time.
 */
static inline dnstap_time dnstap_time_of(const struct timespec *time)
{
#ifdef __cplusplus
  dnstap_time same = {static_cast<int64_t>(time->tv_sec), static_cast<uint32_t>(time->tv_nsec)};
#else
  dnstap_time same = {(int64_t)time->tv_sec, (uint32_t)time->tv_nsec};
#endif
  return same;
}
