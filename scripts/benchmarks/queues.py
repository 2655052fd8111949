"""Side by side with other ways to queue work on one machine, in the same run.

Each gets the same: one job on an idle queue, then many at once. The work is nothing (`touch`), so
what is measured is queueing. tale's "start" is the project that stands in active/: a language model
comes after it. Systems take turns in each round, so that all meet the same noise.
"""
import os
import statistics
import time

from benchmarks import household, queue_systems, report, syncs

ROUNDS = 15
JOBS = 200
JOB_ROUNDS = 3
WAITING = 5

NOTES = """\
What each makes durable, and where that is said:
  tale             accept is synced step by step (docs/reference/queue.md); after kill -9 or loss of
                   power a drop is in the inbox or in active/, whole, once, and so is its result
  task-spooler     nothing: the list is in the server's memory (tsp(1): TS_SAVELIST writes it on
                   SIGTERM alone); kill -9 or loss of power loses all that waits
  nq               the order, not the jobs: it syncs its folder once for each (nq.c, before it waits
                   for the earlier ones); nq(1), CAVEATS: "all reliable queue status information is in
                   main memory only". The job's file keeps the command for `sh FILE`, unsynced
  inotifywait loop nothing of its own: a file that is moved in while the loop is dead, or that it had
                   read of and not moved, stays where it is and is never taken by this loop
  huey, files      each job is a file, written without a sync and without a rename (huey/storage.py,
                   FileStorage.enqueue, which says itself that it is not for production): kill -9
                   loses the job in work, which was unlinked before it ran; loss of power what the
                   kernel had not written yet, or leaves it empty
Where they are faster, and why: none of them waits for the disk before it says yes (nq once), and
that is nearly all of tale's time; the loop and huey start no process to hand a job over. nq waits
for each earlier job, so that many at once cost it the square of their number. huey is set to poll
every 10 ms here; as it comes it waits 0.1 to 10 s.
"""


def latencies(systems, folder):
    taken = {system.name: [] for system in systems}
    for number in range(ROUNDS):
        for system in systems:
            began = time.monotonic()
            system.hand_over(f"one-{number}")
            system.started.next()
            taken[system.name].append(time.monotonic() - began)
            time.sleep(0.05)  # so that it is idle again
    return {name: report.times(seconds)[0] for name, seconds in taken.items()}


def rates(systems):
    taken = {system.name: [] for system in systems}
    for number in range(JOB_ROUNDS):
        for system in systems:
            system.prepare([f"many-{number}-{job}" for job in range(JOBS)])
            began = time.monotonic()
            for job in range(JOBS):
                system.hand_over(f"many-{number}-{job}")
            for _ in range(JOBS):
                system.started.next()
            taken[system.name].append(JOBS / (time.monotonic() - began))
            system.rest()
    return {name: statistics.median(each) for name, each in taken.items()}


def outlived(system):
    """How many jobs that wait are worked after kill -9 of all that belongs to the queue."""
    system.hand_over("block")
    if not system.accepts_only:
        system.started.next()
    for job in range(WAITING):
        system.hand_over(f"waits-{job}")
    time.sleep(1)
    system.kill()
    before = set(os.listdir(system.place))
    system.start()
    time.sleep(2)
    # What tale had accepted before stands already, and counts as much as what it accepts now.
    kept = set(os.listdir(system.place)) if system.accepts_only else (
        set(os.listdir(system.place)) - before)
    return sum("waits-" in name for name in kept)


def work_starts(tale, folder):
    """From the rename into the inbox to the first request at the model: the whole way of tale."""
    server = household.Scripted()
    env = household.environment(folder, server.config(f"{folder}/config.yaml"))
    for name in ("inbox", "outbox"):
        os.makedirs(f"{folder}/queue/{name}")
    done = household.Arrivals(f"{folder}/queue/outbox")
    asked, ended = [], []
    with household.watch(tale, env, folder):
        for number in range(ROUNDS):
            began = household.drop(folder, f"note-{number}")
            asked.append(server.asked.get(timeout=60) - began)
            done.next()
            ended.append(time.monotonic() - began)
    done.close()
    server.close()
    return report.times(asked)[0], report.times(ended)[0]


def run(tale, folder):
    folder = os.path.realpath(folder)
    systems = []
    try:
        for system in queue_systems.ALL:
            place = f"{folder}/{system.__name__}"
            os.makedirs(place)
            systems.append(system(place, tale))
            systems[-1].start()
        begin, many = latencies(systems, folder), rates(systems)
        kept = {system.name: outlived(system) for system in systems}
    finally:
        for system in systems:
            system.stop()
    counted = {system.name: system.syncs() for system in systems}
    mine = systems[0].name
    report.heading(f"Queues side by side: median of {ROUNDS} single jobs, and of {JOB_ROUNDS} rounds "
                   f"of {JOBS} jobs (x: of tale's)")
    print(f"  {'':<18}{'hand-over to start':>20}{'jobs a second':>20}{'syncs a job':>14}"
          f"{'of ' + str(WAITING) + ' waiting, after kill -9':>28}")
    for system in systems:
        name = system.name
        print(f"  {name:<18}{begin[name]:>9.1f} ms {begin[name] / begin[mine]:>5.2f}x "
              f"{many[name]:>12.0f} {many[name] / many[mine]:>5.1f}x {counted[name]:>13.2f}"
              f"{kept[name]:>31}", flush=True)
    together = syncs.batch(tale, f"{folder}/batch")
    report.row(f"tale, syncs a job of {syncs.BATCH} that come at once",
               f"{sum(map(syncs.is_sync, together.of('batch-'))) / syncs.BATCH:.2f}")
    os.makedirs(f"{folder}/whole")
    asked, ended = work_starts(tale, f"{folder}/whole")
    report.row("tale, to the first request at a model that answers at once", f"{asked:.1f}", "ms")
    report.row("tale, to the outbox, with two checkpoints on the way", f"{ended:.1f}", "ms")
    if kept[mine] != WAITING:
        report.missed.append(f"{kept[mine]} of {WAITING} projects outlived kill -9")
    print(NOTES, end="")
