"""Training a linker from gold links and writing it: encoder, token head, reranker, decision and model card."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from howtree.errors import BadInput
from howtree.files import put_folder_in_place
from linking.encode.device import Device, device_of, precision_of_training
from linking.encode.encoder import SentenceEncoder, has_transformer, load_encoder, save_encoder
from linking.encode.folder import ModelFolder
from linking.gold.examples import training_part
from linking.gold.links import Gold, check_gold
from linking.model import save_fitted
from linking.rerank.features import FEATURES
from linking.rerank.linear import LinearReranker
from linking.train.decision import DecisionReport, train_decision
from linking.train.fine_tuning import Run
from linking.train.recipe import Recipe
from linking.train.reranker import LINKS, train_reranker


def train_retriever(
    gold: Gold,
    pool: Sequence[str],
    base: str,
    output: Path,
    work: Path,
    recipe: Recipe,
    source: str,
    device: Device = "cpu",
) -> DecisionReport:
    """Fine-tune the encoder `base` and write it, its reranker, its decision and its model card to `output`.

    The hashed tenth that `in_dev` names is never trained on, nor is the twentieth after it, on which the reranker and
    the decision are fitted. Each epoch ends with a checkpoint in `work`; a run that was stopped goes on there.

    Returns:
        the decision with its figures on the tenth.

    Raises:
        BadInput: the gold does not fit the pool, too few pairs are left to train on, `output` holds something
            else, or `base` has no transformer to train.
    """
    check_gold(gold, pool)
    examples = training_part(gold)
    refuse_foreign(output)
    if not has_transformer(load_encoder(base, "float32").model):
        raise BadInput(
            f"the encoder {base!r} reads no token ids: only transformer encoders can be trained here"
        )
    runs_on = device_of(device)
    runs: list[Run] = []
    for n in range(recipe.runs):  # one after the other: each reads what the one before has written to `work`
        start = load_encoder(base, precision_of_training(runs_on), runs_on)
        run = Run(start, examples, gold, pool, work, replace(recipe, seed=recipe.seed + n))
        run.train()
        runs.append(run)
    runs[0].average(runs[1:])
    return publish(runs[0], output, work, base, source)


def refuse_foreign(output: Path) -> None:
    """Leave alone a folder that is no model.

    Raises:
        BadInput: `output` is a file, or a folder with other content.
    """
    if output.is_file() or (output.is_dir() and any(output.iterdir()) and not ModelFolder(output).is_model):
        raise BadInput(f"{output} exists and is no model folder: give another -o")


def publish(run: Run, output: Path, work: Path, base: str, source: str) -> DecisionReport:
    """Write what was trained; the folder appears whole or not at all.

    A model trained from a packaged one is kept as its difference, and measured as it is read back.
    """
    aside = output.with_name(f".{output.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    if not run.recipe.late:
        run.encoder.head = None
    folder = ModelFolder(aside)
    save_encoder(run.encoder, base, folder)
    kept = load_encoder(str(aside), "float32")
    trained = SentenceEncoder(
        str(output),
        kept.model,
        kept.weights_digest,
        head=kept.head,
        device=run.encoder.device,
        source=kept.source,
    )
    reranker, result = fit_rest(run.gold, run.pool, trained, work, source)
    save_fitted(reranker, result.decision, folder)
    folder.card.write_text(card(run, folder, reranker, result, base, source), encoding="utf-8")
    put_folder_in_place(aside, output)
    return result


def refit(
    gold: Gold,
    pool: Sequence[str],
    base: str,
    output: Path,
    work: Path,
    source: str,
    links: float = LINKS,
    device: Device = "cpu",
) -> DecisionReport:
    """Fit the reranker and the decision of the trained encoder `base` anew.

    They are written to `output`, which is its own folder, or becomes a copy of it.

    Raises:
        BadInput: `base` is no trained encoder, the gold does not fit, or `output` holds something else.
    """
    start = ModelFolder.of(base)
    if output != start.path:
        refuse_foreign(output)
    check_gold(gold, pool)
    encoder = load_encoder(base, device=device)
    reranker, result = fit_rest(gold, pool, encoder, work, source, links)
    left_out = () if output == start.path else (start.card.name, start.verifier.path.name)
    aside = output.with_name(f".{output.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(start.path, aside, ignore=shutil.ignore_patterns(*left_out))
    save_fitted(reranker, result.decision, ModelFolder(aside))
    put_folder_in_place(aside, output)
    return result


def fit_rest(
    gold: Gold, pool: Sequence[str], encoder: SentenceEncoder, work: Path, source: str, links: float = LINKS
) -> tuple[LinearReranker, DecisionReport]:
    """The reranker of an encoder, and the decision on what it reranks."""
    reranker = train_reranker(gold, pool, encoder, work, source, links)
    return reranker, train_decision(gold, pool, encoder, work, source, reranker, trained_on_gold=True)


def card(
    run: Run, folder: ModelFolder, reranker: LinearReranker, result: DecisionReport, base: str, source: str
) -> str:
    """The model card: data, recipe, figures, limits."""
    lone = len(run.examples.unlinked)
    unlinked = f"and {lone:,} steps without a goal " if lone else ""
    recipe = "\n".join(f"- {name}: {value}" for name, value in asdict(run.recipe).items())
    epochs = "\n".join(f"- {', '.join(f'{k} {v:.4g}' for k, v in line.items())}" for line in run.history)
    weights = "\n".join(
        f"- {name}: {value:g}" for name, value in zip(FEATURES, reranker.weights, strict=True)
    )
    files = folder.reranker, folder.decision, folder.precedents
    reranker_file, decision_file, precedents_file = (file.name for file in files)
    return f"""# Linker of steps to goals: bi-encoder, late-interaction reranker, decision

Fine-tuned from {base} by `howtree train retriever` on {len(run.examples.steps):,} pairs of a step and a goal
{unlinked}({source}) against a pool of {len(run.pool):,} goals. A hash of the step keeps two parts out of training:
a tenth for measuring, and a further twentieth on which `{reranker_file}` and `{decision_file}` are fitted.
`{precedents_file}` holds the steps of the training pairs as vectors of eight-bit numbers, and hashes of their goals;
no text.

## Recipe

{recipe}

## Epochs

{epochs}

## Reranker

{weights}

## Decision, measured on the {result.held_out:,} pairs of the tenth

Calibration error {result.error_before:.3f} for the raw cosine, {result.error_after:.3f} for the probability. At
probability {result.decision.threshold}: precision {result.precision:.1%}, recall {result.recall:.1%}, unlinkable
recall {result.unlinkable_recall:.1%}. For the recall of the whole list: `howtree evaluate linking`.

## Limits

Steps are read without their article. Negated steps ("Avoid ...") are recognised by English words alone. The reranker
prefers goals that editors linked to before. The licence is that of {base}; the text that it was trained on has its own.
"""
