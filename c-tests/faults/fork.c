/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A process that forks after it started a writer thread: parent and child both go on logging. */
#include "endpoint.h"
#include "harness.h"
#include "receiver.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const types[] = { "test", NULL };

enum { CHILDREN = 8, BEFORE = 10, AFTER = 10, CHILD_FRAMES = 5, MOST = 50000, THREADS = 4, MANY = 50 };

struct number {
	int process; /* 0 for the parent */
	int seq;
};

/* Frames of all connections together. */
static struct {
	pthread_mutex_t lock;
	int next[CHILDREN + 1], wrong, connections;
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* One connection, which may carry the frames of one process only. */
static void play(struct receiver *r)
{
	int fd = accept_one(r->listening), process = -1;
	struct frame f = { .type = END };

	if (fd < 0)
		return;
	if (receiver_handshake(r, fd, NULL)) {
		receiver_reach(r, 1);
		while (read_frame(fd, &f) == DATA) {
			struct number n = { -1, -1 };

			if (f.len == sizeof n)
				memcpy(&n, f.data, sizeof n);
			if (process < 0)
				process = n.process;
			pthread_mutex_lock(&seen.lock);
			if (n.process == process && n.process >= 0 && n.process <= CHILDREN &&
			    n.seq == seen.next[n.process])
				seen.next[n.process]++;
			else
				seen.wrong++;
			pthread_mutex_unlock(&seen.lock);
			free_frame(&f);
		}
	}
	if (f.type == STOP)
		send_control(fd, FINISH, NULL);
	free_frame(&f);
	close(fd);
	pthread_mutex_lock(&seen.lock);
	seen.connections++;
	pthread_mutex_unlock(&seen.lock);
}

static void submit(struct fstrm_iothr *iothr, struct fstrm_iothr_queue *queue, int process, int seq)
{
	struct number *n = malloc(sizeof *n);
	fstrm_res res;

	n->process = process;
	n->seq = seq;
	while ((res = fstrm_iothr_submit(iothr, queue, n, sizeof *n, fstrm_free_wrapper, NULL)) == fstrm_res_again)
		sched_yield();
	ASSERT(res == fstrm_res_success, "submit in process %d failed", process);
}

static void in_child(struct fstrm_iothr *iothr, struct fstrm_iothr_queue *queue, int process)
{
	for (int i = 0; i < CHILD_FRAMES; i++)
		submit(iothr, queue, process, i);
	fstrm_iothr_destroy(&iothr);
	_exit(0);
}

/* The first receiver has the connection of the parent. */
static struct fstrm_iothr *start(const struct endpoint *e, struct receiver *receivers, int count,
				 fstrm_iothr_queue_model model)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_writer *writer = endpoint_writer(e, types);
	struct fstrm_iothr *iothr;

	receiver_start(&receivers[0], e->listening, play, NULL);
	fstrm_iothr_options_set_queue_model(opt, model);
	iothr = fstrm_iothr_init(opt, &writer);
	fstrm_iothr_options_destroy(&opt);
	ASSERT(receiver_wait(&receivers[0], 1), "the receiver saw no connection");
	for (int i = 1; i < count; i++)
		receiver_start(&receivers[i], e->listening, play, NULL);
	return iothr;
}

static void check(struct receiver *receivers, int children, int parent_frames)
{
	for (int i = 0; i <= children; i++)
		receiver_finish(&receivers[i], stderr);
	ASSERT(seen.wrong == 0, "%d frames were out of order, doubled or on the wrong connection", seen.wrong);
	ASSERT(seen.next[0] == parent_frames, "%d of %d frames of the parent arrived", seen.next[0], parent_frames);
	for (int i = 1; i <= children; i++)
		ASSERT(seen.next[i] == CHILD_FRAMES, "%d of %d frames of child %d arrived", seen.next[i],
		       (int)CHILD_FRAMES, i);
	ASSERT(seen.connections == children + 1, "%d connections", seen.connections);
}

/* The parent has frames queued at the fork: only it may send them. */
static void one_child(int model)
{
	struct receiver receivers[2];
	struct fstrm_iothr_queue *queue;
	struct fstrm_iothr *iothr;
	struct endpoint e;
	pid_t child;

	endpoint_open(&e, TO_UNIX);
	iothr = start(&e, receivers, 2, (fstrm_iothr_queue_model)model);
	queue = fstrm_iothr_get_input_queue(iothr);
	for (int i = 0; i < BEFORE; i++)
		submit(iothr, queue, 0, i);
	child = fork();
	if (child == 0)
		in_child(iothr, queue, 1);
	for (int i = BEFORE; i < BEFORE + AFTER; i++)
		submit(iothr, queue, 0, i);
	wait_for_child(child);
	fstrm_iothr_destroy(&iothr);
	check(receivers, 1, BEFORE + AFTER);
}

/* A child that never touches the library, or only destroys, ends and sends nothing. */
static void idle_child(int destroys)
{
	struct receiver receivers[1];
	struct fstrm_iothr_queue *queue;
	struct fstrm_iothr *iothr;
	struct endpoint e;
	pid_t child;

	endpoint_open(&e, TO_UNIX);
	iothr = start(&e, receivers, 1, FSTRM_IOTHR_QUEUE_MODEL_SPSC);
	queue = fstrm_iothr_get_input_queue(iothr);
	for (int i = 0; i < BEFORE; i++)
		submit(iothr, queue, 0, i);
	child = fork();
	if (child == 0) {
		if (destroys)
			fstrm_iothr_destroy(&iothr);
		_exit(0);
	}
	wait_for_child(child);
	submit(iothr, queue, 0, BEFORE);
	fstrm_iothr_destroy(&iothr);
	check(receivers, 0, BEFORE + 1);
}

struct busy {
	struct fstrm_iothr *iothr;
	struct fstrm_iothr_queue *queue;
	int stop, sent;
};

static void *keep_busy(void *arg)
{
	struct busy *b = arg;

	while (!__atomic_load_n(&b->stop, __ATOMIC_RELAXED) && b->sent < MOST)
		submit(b->iothr, b->queue, 0, b->sent++);
	return NULL;
}

/* Waits until the frames of the parent have arrived, which has no deadline. */
static void await_parent(int sent)
{
	struct timespec pause = { 0, 1000000 };
	double began = now();
	int arrived = 0;

	while (arrived < sent && now() - began < 10) {
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&seen.lock);
		arrived = seen.next[0];
		pthread_mutex_unlock(&seen.lock);
	}
}

/* Forks while a producer and the writer thread are busy. */
static void many_children(int model)
{
	struct receiver receivers[CHILDREN + 1];
	struct busy busy = { NULL, NULL, 0, 0 };
	struct fstrm_iothr *iothr;
	struct endpoint e;
	pthread_t producer;

	endpoint_open(&e, TO_UNIX);
	iothr = start(&e, receivers, CHILDREN + 1, (fstrm_iothr_queue_model)model);
	busy.iothr = iothr;
	busy.queue = fstrm_iothr_get_input_queue(iothr);
	pthread_create(&producer, NULL, keep_busy, &busy);
	for (int i = 1; i <= CHILDREN; i++) {
		pid_t child = fork();

		if (child == 0)
			in_child(iothr, busy.queue, i);
		wait_for_child(child);
	}
	__atomic_store_n(&busy.stop, 1, __ATOMIC_RELAXED);
	pthread_join(producer, NULL);
	await_parent(busy.sent);
	fstrm_iothr_destroy(&iothr);
	check(receivers, CHILDREN, busy.sent);
}

struct submitter {
	struct fstrm_iothr *iothr;
	struct fstrm_iothr_queue *queue;
	pthread_barrier_t *all;
	int refused;
};

static void *submit_with_the_others(void *arg)
{
	struct submitter *s = arg;
	static const char frame[] = "frame";

	pthread_barrier_wait(s->all);
	for (int i = 0; i < CHILD_FRAMES; i++)
		s->refused += fstrm_iothr_submit(s->iothr, s->queue, (void *)frame, sizeof frame, NULL, NULL) !=
			      fstrm_res_success;
	return NULL;
}

/* The threads of a child submit at the same time: none is refused. */
static void threads_of_a_child(int model)
{
	struct submitter submitters[THREADS];
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_writer *writer;
	struct fstrm_iothr *iothr;
	struct endpoint e;

	endpoint_open(&e, TO_FILE);
	writer = endpoint_writer(&e, types);
	fstrm_iothr_options_set_queue_model(opt, (fstrm_iothr_queue_model)model);
	fstrm_iothr_options_set_num_input_queues(opt, THREADS);
	iothr = fstrm_iothr_init(opt, &writer);
	fstrm_iothr_options_destroy(&opt);
	for (size_t i = 0; i < THREADS; i++)
		submitters[i] = (struct submitter){
			iothr, fstrm_iothr_get_input_queue_idx(iothr, model == FSTRM_IOTHR_QUEUE_MODEL_MPSC ? 0 : i),
			NULL, 0
		};
	for (int round = 0; round < MANY; round++) {
		pid_t child = fork();
		pthread_t threads[THREADS];
		pthread_barrier_t all;

		if (child == 0) {
			alarm(5);
			pthread_barrier_init(&all, NULL, THREADS);
			for (int i = 0; i < THREADS; i++) {
				submitters[i].all = &all;
				ASSERT(pthread_create(&threads[i], NULL, submit_with_the_others, &submitters[i]) == 0,
				       "no thread");
			}
			for (int i = 0; i < THREADS; i++) {
				pthread_join(threads[i], NULL);
				ASSERT(submitters[i].refused == 0, "%d frames of thread %d were refused",
				       submitters[i].refused, i);
			}
			fstrm_iothr_destroy(&iothr);
			_exit(0);
		}
		wait_for_child(child);
	}
	fstrm_iothr_destroy(&iothr);
	endpoint_close(&e);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		FAULT("parent and child log, SPSC", one_child, FSTRM_IOTHR_QUEUE_MODEL_SPSC, 15, HANGS | FAILS, NULL),
		FAULT("parent and child log, MPSC", one_child, FSTRM_IOTHR_QUEUE_MODEL_MPSC, 15, HANGS | FAILS, NULL),
		FAULT("child leaves the library alone", idle_child, 0, 15, PASSES, "it makes no call"),
		FAULT("child only destroys", idle_child, 1, 15, HANGS | FAILS | PASSES,
		      "a race: it depends on where the writer thread was at the fork"),
		FAULT("eight children of a busy parent, SPSC", many_children, FSTRM_IOTHR_QUEUE_MODEL_SPSC, 15,
		      HANGS | FAILS, NULL),
		FAULT("eight children of a busy parent, MPSC", many_children, FSTRM_IOTHR_QUEUE_MODEL_MPSC, 15,
		      HANGS | FAILS, NULL),
		FAULT("threads of a child submit at the same time, SPSC", threads_of_a_child,
		      FSTRM_IOTHR_QUEUE_MODEL_SPSC, 30, HANGS | FAILS, NULL),
		FAULT("threads of a child submit at the same time, MPSC", threads_of_a_child,
		      FSTRM_IOTHR_QUEUE_MODEL_MPSC, 30, HANGS | FAILS, NULL),
	};

	return RUN_CASES(argc, argv, cases);
}
