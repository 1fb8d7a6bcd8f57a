"""Starts writers, kills them at random points, starts others, and checks after each kill."""

import asyncio
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.delivery.outbox import undelivered
from mcp_servers.audit.delivery.stored import verify_delivery
from mcp_servers.audit.delivery.to_fhir import deliver
from mcp_servers.audit.recorder import close_abandoned
from tests.crash.promises import Trail, Writer, broken, delivered_wrongly
from tests.crash.shelf import Shelf
from tests.crash.worker import JOURNAL, RING, SHELF, work

WRITERS = 3
KILLS_A_JOURNAL = 25
LIFE_SECONDS = 0.25  # at most, from its start until a writer is killed from outside
START_SECONDS = 60.0
INSIDE, STARTING, ALL = (
    0.4,
    0.15,
    0.1,
)  # of the kills: by the writer itself, before it started, of all at once
NEVER = 1e12  # a time by which every event is due


@dataclass
class Count:
    """What a run did and found; `broken` are the promises that were not kept."""

    kills: int = 0
    journals: int = 0
    how: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def report(self, seconds: float) -> str:
        """Lines for a person."""
        lines = [
            f"{self.kills} kill -9s of {WRITERS} writers at a time over {self.journals} journals"
            f" in {seconds:.0f} s",
            *(f"  {number:>8} {what}" for what, number in sorted(self.how.items())),
            "on the trails:",
            *(f"  {number:>8} {what}" for what, number in self.found.items()),
            f"promises broken: {len(self.broken)}",
            *self.broken[:20],
        ]
        return "\n".join(lines)


def run(folder: Path, kills: int, chance: random.Random) -> Iterator[Count]:
    """Kill so many writers; the count so far after each journal, with what was broken."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.worker"])
    count = Count()
    while count.kills < kills and not count.broken:
        count.journals += 1
        place = folder / str(count.journals)
        place.mkdir()
        _one_journal(place, min(KILLS_A_JOURNAL, kills - count.kills), chance, context, count)
        yield count


def _one_journal(
    folder: Path,
    kills: int,
    chance: random.Random,
    context: multiprocessing.context.ForkServerContext,
    count: Count,
) -> None:
    trail, names = Trail(folder / JOURNAL), iter(range(10**6))

    def started() -> Writer:
        name, inside = f"w{next(names)}", chance.random() < INSIDE
        # As many points early in a writer's life as late: what a start does is short.
        lines = int(10 ** chance.uniform(0, 4.5)) if inside else None
        process = context.Process(target=work, args=(folder, name, chance.randrange(10**9), lines))
        ended = frozenset(one.name for one in trail.writers if not one.alive)
        process.start()
        writer = Writer(name, process, inside, folder / f"{name}.told", ended)
        trail.writers.append(writer)
        return writer

    try:
        alive = [started() for _ in range(WRITERS)]
        while kills > 0:
            victims = alive[:] if chance.random() < ALL else [chance.choice(alive)]
            for victim in victims:
                _kill(victim, chance)
            ended = [writer for writer in alive if not writer.alive]
            count.how.update(writer.how for writer in ended)
            count.kills += len(ended)
            kills -= len(ended)
            alive = [writer if writer.alive else started() for writer in alive]
            if chance.random() < 0.5:  # by then the new ones have closed what the killed left
                for writer in alive:
                    writer.wait(START_SECONDS)
            count.broken += broken(trail)
            if count.broken:
                return
    finally:
        for writer in trail.writers:
            writer.process.kill()
            writer.process.join()
    with closing(Journal(folder / JOURNAL, RING)) as journal:
        close_abandoned(journal)
        shelf = Shelf(folder / SHELF)
        asyncio.run(_deliver_all(journal, shelf, count))
    trail.all_ended = True
    count.broken += [*broken(trail), *delivered_wrongly(folder / JOURNAL, RING, shelf)]
    count.found.update(trail.found())
    count.found["events that arrived more than once"] += sum(
        number > 1 for number in Counter(place for place, _ in shelf.arrivals()).values()
    )


def _kill(victim: Writer, chance: random.Random) -> None:
    """Kill it, or wait until it has done so itself."""
    if victim.inside:
        victim.process.join(START_SECONDS)
        return
    starting = chance.random() < STARTING
    if not starting:
        victim.wait(START_SECONDS)
    time.sleep(chance.uniform(0, 0.02 if starting else LIFE_SECONDS))
    victim.how = "killed while it started" if starting else "killed at its work"
    victim.process.kill()
    victim.process.join()


async def _deliver_all(journal: Journal, shelf: Shelf, count: Count) -> None:
    async with shelf.client() as http:
        await deliver(journal, http, clock=lambda: NEVER)
        if left := [*undelivered(journal.path)]:
            count.broken.append(f"{len(left)} events are not delivered in the end, such as {left[0]}")
        checked = await verify_delivery(journal.path, RING, http)
        if not checked.complete:
            count.broken.append(f"the store does not hold every event as it was queued: {checked}")
