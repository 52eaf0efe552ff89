/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * Tells whether a result is an error, and neither DNSTAP_OK nor a status. Also a symbol of the
 * library.
 *
 * @param result  The result of a function of this library. Any number will do.
 * @return        Whether it is below 0.
 */
static inline bool dnstap_is_error(dnstap_result result)
{
  return result < 0;
}

/**
 * Tells whether messages of this type are logged. If not, nothing need be prepared for dnstap_log().
 * Costs a load and a branch. Also a symbol of the library.
 *
 * @param queue  The queue; NULL, for a server without a sink, logs nothing.
 * @param type   The type, one of enum dnstap_message_type. Of a number that is none, no messages
 *               are logged.
 * @return       Whether it is logged at this moment.
 */
static inline bool dnstap_enabled(const dnstap_queue *queue, uint32_t type)
{
  /* A queue begins with the set of the types that are logged. Bit 0, that of no type, is for the
   * library. */
#ifdef __cplusplus
  const uint32_t *types = reinterpret_cast<const uint32_t *>(queue);
#else
  const uint32_t *types = (const uint32_t *)(const void *)queue;
#endif
  return types && type != 0 && type < 32
         && (__atomic_load_n(types, __ATOMIC_RELAXED) & UINT32_C(1) << type) != 0;
}

/**
 * Converts a time of clock_gettime(CLOCK_REALTIME, ...).
 *
 * @param time  The time.
 * @return      The same.
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
