"""The batch job: sources -> corpus -> links -> one knowledge base file.

What the stages make is in a work folder beside the output (kb.duckdb.work for kb.duckdb) and is used again: a build
that was killed goes on, and a later build encodes and searches only what is new. The knowledge base itself is made
aside, checked, and put in place by one rename, so readers see the old file or the whole new one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb

from crawl.corpus.write import CorpusTally, write_corpus
from howtree.errors import BadUsage
from howtree.extras import needs
from howtree.files import digest_of
from howtree.progress import progress
from kb.beside import put_kb
from kb.build.fill import (
    articles_digest,
    finish,
    load_corpus,
    load_links,
    new_file,
    sizes,
)
from kb.build.read import read_goals, read_steps
from kb.build.runs import RunRecord, keep_runs, record
from kb.build.vectors import write_vectors
from kb.work import WorkFolder, report_damage
from linking.encode.device import AskedPrecision, Device, refuse_missing
from linking.encode.encoder import SentenceEncoder, load_encoder
from linking.encode.folder import SHIPPED, lasting_name
from linking.model import Model, decision_from
from linking.pipeline import CANDIDATES, Linker, LinkTally
from linking.rerank.decide import Decision
from linking.retrieve.mend import mend
from linking.retrieve.vectors import PART_SIZE
from linking.run.executors import Executor, executor_of


@dataclass(frozen=True, slots=True)
class Options:
    """How to build."""

    encoder: str = ""
    """Name or folder; empty for the default."""
    reranker: str = ""
    """Name or folder of a CrossEncoder in the verifier's place; empty for what belongs to the encoder."""
    precision: AskedPrecision = "auto"
    device: Device = "auto"
    """Where the encoder runs: on the processor (`cpu`), a GPU (`cuda`), or a GPU where there is one (`auto`)."""
    threshold: float | None = None
    """Least probability of a chosen link; None for the one that was fitted with the decision."""
    beta: float | None = None
    """Without a threshold: choose the one that was fitted with the best F-beta."""
    decision: Path | None = None
    """A file that `howtree train decision` wrote, in place of the model's own decision."""
    candidates: int = CANDIDATES
    sites: tuple[str, ...] = ()
    """The sites whose articles are taken, by name; all where none is named."""
    alternatives: bool = True
    """Whether equal goals of several sites are grouped, and none is linked to one of its own group."""
    executor: str = "process"
    """Who encodes and searches: `process`, `pool` or `ray`; the result is the same."""
    workers: int | None = None
    """Processes of the pool or actors of the cluster; None for one per core."""
    address: str = ""
    """Of the Ray cluster: `auto`, `local` or host:port."""
    part_size: int = PART_SIZE
    """Texts that are encoded, retrieved for and reranked at a time, and again after a loss."""
    model: Model | None = None
    """What to link with, in place of the model that `encoder`, `precision` and `device` name."""


@dataclass(slots=True)
class BuildTally:
    """What a build read, made and spent."""

    corpus: CorpusTally
    links: LinkTally = field(default_factory=LinkTally)
    unmeasured: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By language that the encoder was not measured on: the steps, and how many of them the model linked."""
    counts: dict[str, int] = field(default_factory=dict)
    """Articles, steps, candidates, edges, guesses, hyperlinks in the file, and edges that are hyperlinks."""
    seconds: dict[str, float] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The tally for people."""
        c = self.counts
        return [
            *self.corpus.lines(),
            *self.left_out(),
            f"{c['articles']:,} articles, {c['steps']:,} steps, {c['candidates']:,} candidates",
            f"{c['edges']:,} steps linked ({c['edges'] / max(1, c['steps']):.0%}), "
            f"{c['hyperlinked']:,} of them by editors' hyperlinks; {c['mentions']:,} others only mention a goal",
            *self.warnings(),
            f"{self.links.encoded:,} texts encoded, {self.links.searched:,} searched; "
            + ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in self.seconds.items()),
        ]

    def left_out(self) -> list[str]:
        """How many articles are of sites that were not asked for."""
        others = self.corpus.kept - self.counts["articles"]
        return [f"  {others:,} of them left out: of other sites than those asked for"] if others else []

    def warnings(self) -> list[str]:
        """What the links are worth less for."""
        if not self.unmeasured:
            return []
        languages = ", ".join(
            f"{language}: {links:,} of {steps:,} steps"
            for language, (steps, links) in self.unmeasured.items()
        )
        return [
            f"The encoder was trained and measured on English alone, and linked steps of other languages too "
            f"({languages}). How right these links are is not known: judge some with howtree review sample, or build "
            "with an --encoder that was trained for the language"
        ]


def build(sources: Sequence[Path], output: Path, options: Options | None = None) -> BuildTally:
    """Build the knowledge base `output` from `sources`.

    Raises:
        BadInput: no article was found, a model cannot be loaded, another build of `output` is running, the disk
            is full, workers were lost, or the result does not hold together (then the old file stays).
        BadUsage: an option makes no sense, or the libraries of linking are not installed.
    """
    needs("build", "linking")
    options = options or Options()
    require_sense(options)
    work = WorkFolder(output)
    started, clock = datetime.now(UTC), time.monotonic()
    with (
        progress(None, "Building"),
        executor_of(options.executor, options.workers, options.address) as executor,
        work.held(),
    ):
        tally = BuildTally(write_corpus(sources, work.corpus, workers=os.cpu_count() or 1))
        tally.seconds["read"] = time.monotonic() - clock
        with stage(tally, "check"):
            report_damage([*tally.corpus.damaged, *mend(work.links)])
        with new_file(work.aside) as session:
            with stage(tally, "load"):
                load_corpus(session, work.corpus, options.sites, options.alternatives)
            model = model_of(options)
            decision = model.decision_or_base()
            model = replace(model, decision=decision)
            threshold = least_probability(options, model)
            link(session, work, model, options, executor, tally)
            with stage(tally, "edges"):
                load_links(session, work.candidates, threshold)
            tally.counts = sizes(session)
            tally.unmeasured = unmeasured(session) if model.encoder.name in SHIPPED else {}
            keep_runs(session, output)
            run = run_of(sources, options, model, decision, threshold, tally, started)
            thresholds = json.dumps(model.last.thresholds)
            name = model.encoder.name
            record(session, work.corpus, run, threshold=threshold, encoder=name, thresholds=thresholds)
            finish(session)
        put_kb(work.aside, output)
        shutil.rmtree(work.candidates, ignore_errors=True)
    return tally


def require_sense(options: Options) -> None:
    """Check options before anything is done.

    Raises:
        BadUsage: one is out of bounds, or two contradict each other.
        BadInput: a GPU is asked for, and there is none.
    """
    if options.threshold is not None and options.beta is not None:
        raise BadUsage("threshold and beta both say which links are chosen: give one of them")
    if options.decision is not None and (options.model is not None or options.reranker):
        raise BadUsage("decision and model or reranker both say what gives the probability: give one of them")
    if options.threshold is not None and not 0 <= options.threshold <= 1:
        raise BadUsage(f"threshold is a probability from 0 to 1, not {options.threshold}")
    if options.candidates < 1:
        raise BadUsage(f"candidates is a number from 1 on, not {options.candidates}")
    if options.executor != "ray":  # there the nodes have the GPUs
        refuse_missing(options.device)


def model_of(options: Options) -> Model:
    """What to link with.

    Raises:
        BadInput: a model cannot be loaded, or its parts, the decision among them, do not belong together.
    """
    if options.decision is not None:
        return decided_by(options.decision, load_encoder(options.encoder, options.precision, options.device))
    model = options.model or Model.kept(options.encoder, options.precision, options.device)
    return model.verified_by(options.reranker) if options.reranker else model


def decided_by(path: Path, encoder: SentenceEncoder) -> Model:
    """An encoder with the decision in a file; it gives the probability, so no verifier does.

    Raises:
        BadInput: the decision was fitted for other weights, or is none.
    """
    decision = decision_from(path, encoder)
    return replace(Model.of(encoder, with_decision=False), decision=decision, verifier=None)


def least_probability(options: Options, model: Model) -> float:
    """From which probability on a link is chosen: as asked, else by the measure asked for, else as fitted.

    Raises:
        BadInput: no threshold was fitted for that measure.
    """
    if options.threshold is not None:
        return options.threshold
    return model.last.threshold if options.beta is None else model.last.threshold_for(options.beta)


def link(
    session: duckdb.DuckDBPyConnection,
    work: WorkFolder,
    model: Model,
    options: Options,
    executor: Executor,
    tally: BuildTally,
) -> None:
    """Write the candidates of every step, each language by itself, to the work folder."""
    shutil.rmtree(work.candidates, ignore_errors=True)
    goal_set = articles_digest(session)
    languages = session.execute(
        "SELECT language, count(step_id) FROM articles LEFT JOIN steps USING (article_id) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    for language, total in languages:
        name = folder_name(language)
        linker = Linker(work.links / name, model, options.candidates, executor, options.part_size)
        goals = read_goals(session, language)
        steps = partial(read_steps, session, language)
        tally.links.add(linker.run(goals, steps, total, work.candidates / name))
        write_vectors(session, linker, goals, steps)
        linker.index(goals, goal_set).save(work.index / name)
    tally.seconds.update(tally.links.seconds)


def unmeasured(session: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int]]:
    """By language that is not English: how many steps there are, and how many of them the model linked."""
    rows = session.execute(
        """
        SELECT language, count(*), count(*) FILTER (e.source = 'model')
        FROM steps s JOIN articles USING (article_id) LEFT JOIN edges e USING (step_id)
        WHERE lower(split_part(language, '-', 1)) <> 'en' GROUP BY ALL ORDER BY 1
        """
    ).fetchall()
    return {language: (steps, links) for language, steps, links in rows}


def folder_name(language: str) -> str:
    """A language as a folder name; text from outside is never used as a path."""
    return (
        language if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", language) else digest_of(language)[:16]
    )


def run_of(
    sources: Sequence[Path],
    options: Options,
    model: Model,
    decision: Decision,
    threshold: float,
    tally: BuildTally,
    started: datetime,
) -> RunRecord:
    """The run as it is recorded."""
    return RunRecord(
        started,
        inputs={"sources": [str(source) for source in sources]},
        models=model.digests,
        parameters={
            "candidates": options.candidates,
            "sites": list(options.sites),
            "alternatives": options.alternatives,
            "device": model.encoder.device,
            "threshold": threshold,
            "decision": None if options.decision is None else str(options.decision),
            "reranker": lasting_name(options.reranker) if options.reranker else None,
            "temperature": decision.temperature,
            "bias": decision.bias,
        },
        tally={
            **tally.corpus.to_dict(),
            **tally.counts,
            "unmeasured": tally.unmeasured,
            "encoded": tally.links.encoded,
            "searched": tally.links.searched,
            "seconds": tally.seconds,
        },
    )


@contextmanager
def stage(tally: BuildTally, name: str) -> Iterator[None]:
    """Add the seconds spent inside to the tally."""
    clock = time.monotonic()
    yield
    tally.seconds[name] = time.monotonic() - clock
