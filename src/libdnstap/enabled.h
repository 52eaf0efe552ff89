/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * Tells whether messages of this type are logged. If not, nothing need be prepared for dnstap_log().
 * Costs a load and a branch.
 *
 * @param queue  The queue; NULL, for a server without a sink, logs nothing.
 * @param type   The type.
 * @return       Whether it is logged at this moment.
 */
static inline bool dnstap_enabled(const dnstap_queue *queue, dnstap_message_type type)
{
  /* A queue begins with the set of its message types. */
  return queue != NULL && (uint32_t)type < 32
         && (__atomic_load_n((const uint32_t *)(const void *)queue, __ATOMIC_RELAXED)
             & DNSTAP_ALL_MESSAGE_TYPES & 1u << type) != 0;
}
