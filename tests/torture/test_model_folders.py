"""Folders of models that carry code or whose files lie: nothing runs, and the folder is refused with a message."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command import Run
from support.reading import lines, simple
from support.victims import Victims

from howtree.files import digest_of_file
from linking.encode.encoder import load_encoder
from linking.encode.folder import MODELS, SMALL_ENCODER, ModelFolder
from linking.rerank.linear import FEATURES, LinearReranker
from linking.rerank.precedents import Precedents

GOOD = simple("Wash a Hat", "Soak it.", "Dry it.")


def few(cases: Sequence[str], count: int) -> list[Any]:
    """The first of some cases, the others for torture alone."""
    return [*cases[:count], *(pytest.param(case, marks=pytest.mark.torture) for case in cases[count:])]


CODE = (
    "from pathlib import Path\nPath({mark!r}).touch()\n\nclass Evil:\n    def __init__(self, *a, **k): pass\n"
)


@pytest.fixture(scope="module")
def whole_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole model in the form of sentence-transformers."""
    folder = tmp_path_factory.mktemp("whole") / "model"
    load_encoder("all-MiniLM-L6-v2", "float32").model.save(str(folder), create_model_card=False)
    return folder


def changed(path: Path, **values: Any) -> None:
    """A JSON object in a file, with other values."""
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**known, **values}))


def carrying(case: str, folder: Path) -> None:
    """Let a model's folder carry code in one of the ways that libraries know."""
    modules = json.loads((folder / "modules.json").read_text())
    if case == "a module of its own":
        modules.append({"idx": 9, "name": "9", "path": "", "type": "evil.Evil"})
    elif case == "a module in place of the first":
        modules[0]["type"] = "evil.Evil"
    elif case == "a module of the system":
        modules.append({"idx": 9, "name": "9", "path": "", "type": "os.system"})
    elif case == "auto_map in the configuration":
        changed(
            folder / "config.json",
            auto_map={"AutoModel": "evil.Evil", "AutoConfig": "evil.Evil"},
            model_type="evil",
        )
    elif case == "auto_map of the tokenizer":
        changed(
            folder / "tokenizer_config.json",
            auto_map={"AutoTokenizer": ["evil.Evil", None]},
            tokenizer_class="Evil",
        )
    elif case == "a wish to be trusted":
        changed(folder / "sentence_bert_config.json", model_args={"trust_remote_code": True},
                tokenizer_args={"trust_remote_code": True}, config_args={"trust_remote_code": True})  # fmt: skip
        changed(
            folder / "config.json",
            auto_map={"AutoModel": "evil.Evil", "AutoConfig": "evil.Evil"},
            model_type="evil",
        )
    elif case == "an activation":
        dense = folder / "9_Dense"
        dense.mkdir()
        changed(
            dense / "config.json",
            in_features=384,
            out_features=384,
            bias=True,
            activation_function="evil.Evil",
        )
        modules.append(
            {"idx": 9, "name": "9", "path": "9_Dense", "type": "sentence_transformers.models.Dense"}
        )
    elif case == "weights that are a pickle":
        (folder / "model.safetensors").unlink()
        mark = str(folder / "ran")
        program = f"cpathlib\nPath\n(S'{mark}'\ntR(dS'touch'\nd0cbuiltins\ngetattr\n(0S'touch'\ntR(tR."
        (folder / "pytorch_model.bin").write_bytes(b"\x80\x02" + program.encode())
    elif case == "a path out of the folder":
        modules[0]["path"] = "../../../../../../etc"
    else:
        raise ValueError(case)
    (folder / "modules.json").write_text(json.dumps(modules))


CARRYING = (
    "a module of its own", "auto_map in the configuration", "weights that are a pickle",
    "a module in place of the first", "a module of the system", "auto_map of the tokenizer", "a wish to be trusted",
    "an activation", "a path out of the folder",
)  # fmt: skip

REFUSED = {*CARRYING} - {"auto_map of the tokenizer", "a path out of the folder"}


@pytest.mark.parametrize("case", few(CARRYING, 3))
def test_code_in_the_folder_of_an_encoder_never_runs(
    victims: Victims, whole_model: Path, tmp_path: Path, case: str
) -> None:
    folder = shutil.copytree(whole_model, tmp_path / "model")
    for name in (
        "evil.py",
        "modeling_evil.py",
        "configuration_evil.py",
        "tokenization_evil.py",
        "__init__.py",
    ):
        (folder / name).write_text(CODE.format(mark=str(folder / "ran")))
    carrying(case, folder)
    source = lines(tmp_path / "a.jsonl", GOOD)
    done = victims.run(
        "command", "build", source, "-o", tmp_path / "kb.duckdb", "--encoder", folder, folder=tmp_path
    )
    assert not (folder / "ran").exists(), "it ran"
    assert "Traceback" not in done.said, done.said
    assert done.code == 0 or (done.code == 1 and "howtree: " in done.said), done.said
    if case in REFUSED:
        assert done.code == 1, done.said


def lie_in(case: str, folder: Path) -> None:
    """Let the files of a model that we wrote lie, with digests that fit wherever there are any."""
    from safetensors.numpy import load_file, save_file

    def weights(change: Callable[[dict[str, np.ndarray]], None]) -> None:
        tensors = load_file(folder / "delta.safetensors")
        change(tensors)
        save_file(tensors, folder / "delta.safetensors")
        changed(folder / "model.json", sha256=digest_of_file(folder / "delta.safetensors"))

    def arrays(path: Path, **others: Any) -> None:
        with np.load(path) as file:
            known = {name: file[name] for name in file}
        np.savez(path, **{**known, **others})

    if case == "weights of another shape":
        weights(lambda t: t.update({name: each[:1] for name, each in t.items() if name.endswith(".steps")}))
    elif case == "rows beyond the words":
        weights(lambda t: t.update({n: np.full_like(e, 2**30) for n, e in t.items() if n.endswith(".rows")}))
    elif case == "rows below 0":
        weights(
            lambda t: t.update({n: np.full_like(e, -(2**30)) for n, e in t.items() if n.endswith(".rows")})
        )
    elif case == "no weights at all":
        weights(lambda t: t.clear() or t.update({"x": np.zeros(1, np.float32)}))
    elif case == "weights that are not numbers":
        weights(
            lambda t: t.update({n: np.full_like(e, np.nan) for n, e in t.items() if n.endswith(".scale")})
        )
    elif case == "a head of another length":
        tensors = load_file(folder / "tokens.safetensors")
        save_file(
            {name: each[..., :7].copy() for name, each in tensors.items()}, folder / "tokens.safetensors"
        )
    elif case == "a header of safetensors that lies":
        data = bytearray((folder / "delta.safetensors").read_bytes())
        data[:8] = (2**62).to_bytes(8, "little")
        (folder / "delta.safetensors").write_bytes(data)
        changed(folder / "model.json", sha256=digest_of_file(folder / "delta.safetensors"))
    elif case == "precedents of another length":
        arrays(folder / "precedents.npz", numbers=np.zeros((5, 7), np.int8))
    elif case == "precedents with other digests":
        about = json.loads((folder / "reranker.json").read_text())
        other = Precedents(np.arange(5, dtype=np.uint64), np.zeros((5, 7), np.int8))
        other.save(folder / "precedents.npz")
        fitted = tuple(about["weights"][name] for name in FEATURES)
        LinearReranker(fitted, other, about["encoder"], "x").save(ModelFolder(folder))
    elif case == "precedents that are a pickle":
        np.savez(
            folder / "precedents.npz", goals=np.array([{"a": 1}], object), numbers=np.zeros((1, 384), np.int8)
        )
    elif case == "base is a path":
        changed(folder / "model.json", base="../../../../etc/passwd")
    elif case == "base is no text":
        changed(folder / "model.json", base=["x"])
    elif case == "format is a path":
        changed(folder / "model.json", format="../1")
    elif case == "model.json is a list":
        (folder / "model.json").write_text("[1]")
    elif case == "a decision that is no number":
        changed(folder / "decision.json", temperature="nan", threshold="../x")
    elif case == "a decision of nothing":
        changed(folder / "decision.json", temperature=0)
    elif case == "a decision that is not a number":
        (folder / "decision.json").write_text(
            (folder / "decision.json").read_text().replace('"bias": ', '"bias": NaN, "old": ')
        )
    else:
        raise ValueError(case)


LIES = (
    "model.json is a list", "a header of safetensors that lies", "a decision of nothing", "rows beyond the words",
    "base is a path", "weights of another shape", "rows below 0", "no weights at all",
    "weights that are not numbers", "a head of another length", "precedents of another length",
    "precedents with other digests", "precedents that are a pickle", "base is no text", "format is a path",
    "a decision that is no number", "a decision that is not a number",
)  # fmt: skip


@pytest.mark.parametrize("case", few(LIES, 5))
def test_a_model_whose_files_lie_is_refused(run: Run, tmp_path: Path, case: str) -> None:
    folder = shutil.copytree(MODELS / SMALL_ENCODER, tmp_path / "model")
    shutil.rmtree(folder / "verifier", ignore_errors=True)
    lie_in(case, folder)
    source = lines(tmp_path / "a.jsonl", GOOD, simple("Dry a Hat", "Wash a hat."))
    done = run("build", source, "-o", tmp_path / "kb.duckdb", "--encoder", folder)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 1 and done.stderr.rstrip().splitlines()[-1].startswith("howtree: "), done.stderr


SETUP = ("1_Pooling/config.json", "tokenizer.json", "config.json", "tokenizer_config.json", "modules.json")


@pytest.mark.parametrize("name", few(SETUP, 1))
def test_another_tokenizer_pooling_or_configuration_is_another_encoder(
    whole_model: Path, tmp_path: Path, name: str
) -> None:
    """Vectors that the one made are not taken for the other's, though their weights are the same."""
    folder = shutil.copytree(whole_model, tmp_path / "model")
    before = load_encoder(str(folder))
    (folder / name).write_text((folder / name).read_text() + "\n")
    after = load_encoder(str(folder))
    assert after.weights_digest == before.weights_digest and after.digest != before.digest
