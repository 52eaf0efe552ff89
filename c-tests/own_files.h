/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A host that closes descriptors which it does not know, and opens files of its own under their numbers. */
#ifndef OWN_FILES_H
#define OWN_FILES_H

/* Closes all descriptors from 3 on, and opens a mixture of files, pipes and sockets under the same numbers. */
void take_all_descriptors(void);

/* Fails the case unless all of these are still open, and nobody has read from them or written to them. */
void check_own_files(void);

#endif
