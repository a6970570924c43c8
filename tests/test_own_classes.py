"""Classes from a user's own file, given by class path in a YAML: laws, sources, engines, more."""

import sys

import pytest
import torch
import yaml

from lit_research.callbacks import ScalingLawFit
from lit_research.class_paths import make_object
from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.laws import as_law, fit
from lit_research.laws.__main__ import main as laws_command
from lit_research.lean import parse_statement
from lit_research.methods.dpg import Inner
from lit_research.methods.self_play import Grade, Guide
from lit_research.text import DocumentSource, Encoder, Tfidf, load_documents, load_splits
from tests.helpers import tiny
from tests.methods.dpg.test_module import write as write_dpg

OWN = '''
from dataclasses import dataclass

import numpy as np
import torch

from lit_research.laws import Law, Parameter
from lit_research.lm.engines import Completion, Engine, LiveEngine
from lit_research.metagrad import Optimizer
from lit_research.text import DocumentSource


@dataclass(frozen=True)
class LogLaw(Law):
    """Falls with the logarithm of x."""

    unit: float = 1.0
    formula = "E - A log(x / unit)"
    parameters = (Parameter("E", high=100.0), Parameter("A", high=100.0))
    variables = ("x",)
    limit = "E"

    def evaluate(self, x, theta):
        log_x = np.log(x["x"] / self.unit)
        E, A = (theta[..., None, k] for k in range(2))
        return E - A * log_x, np.stack([np.ones_like(A * log_x), -log_x + 0 * A], axis=-1)

    def starts(self, x, y):
        return np.array([[y.max(), 0.1], [y.max(), 1.0]])


class Unfinished(Law):
    formula = "none"


class Silent(LogLaw):
    limit = property()  # read from an instance, it is an AttributeError


class Rhymes(DocumentSource):
    """The same verses again and again."""

    def __init__(self, verses: int, held_out: int = 0) -> None:
        self.verses, self.held_out = verses, held_out

    def splits(self):
        texts = [f"verse {n}: the cat sat on mat {n}. " * 4 for n in range(self.verses)]
        found = {"train": texts}
        if self.held_out:
            found["validation"] = ({"text": t, "id": f"held-out {t[:8]}"} for t in texts)
        return found


class Wrong(DocumentSource):
    def __init__(self, returns: str) -> None:
        self.returns = returns

    def splits(self):
        return {
            "list": ["text"],
            "test": {"test": ["text"]},
            "text": {"train": "text"},
            "number": {"train": [3]},
            "column": {"train": [{"content": "text"}]},
        }[self.returns]


class Sign(Optimizer):
    """Steps along the smoothed sign of the gradient."""

    def __init__(self, lr: float, softness: float = 1e-3) -> None:
        self.lr, self.softness, self.weight_decay = lr, softness, 0.0

    def init(self, theta):
        return ()

    def update(self, theta, gradient, state, *, step, lr, weight_decay, layout):
        return theta - lr * torch.tanh(gradient / self.softness), state


class Parrot(LiveEngine):
    """Says a word again and again, whatever the model."""

    def __init__(self, model, tokenizer, word: str = "polly") -> None:
        super().__init__(model, tokenizer)
        self.word = word

    def card(self):
        return {"word": self.word}

    def complete(self, prompts, sampling):
        ids = self.tokenizer(self.word * sampling.max_new_tokens)["input_ids"]
        ids = tuple(ids[: sampling.max_new_tokens])
        text, nats = self.tokenizer.decode(ids), (0.0,) * len(ids)
        return [
            [Completion(text, ids, nats, "length", self.weight_version, index)] * sampling.n
            for index in range(len(prompts))
        ]


class Judge(Engine):
    """Writes the same grade for every conjecture."""

    def __init__(self, relevance: int) -> None:
        self.relevance = relevance

    def card(self):
        return {"relevance": self.relevance}

    def complete(self, prompts, sampling):
        text = f"<relevance>{self.relevance}</relevance><redundancy>0</redundancy>"
        text += "<complexity>1</complexity>"
        return [[Completion(text, (), (), "stop", 0, i)] for i in range(len(prompts))]


broken = 3
'''
X, Y = [1.0, 2.0, 4.0, 8.0, 16.0], [4.0, 3.31, 2.61, 1.92, 1.23]


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module of the user's, outside of the package."""
    (tmp_path / "own_file.py").write_text(OWN)
    (tmp_path / "own_broken.py").write_text("import nowhere_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "own_file"
    for name in ("own_file", "own_broken"):
        sys.modules.pop(name, None)


SIGN = {"class_path": "own_file.Sign", "init_args": {"lr": 1e-3}}
LAW = {"class_path": "own_file.LogLaw", "init_args": {"unit": 1000.0}}


@pytest.mark.parametrize("law", ["own_file.LogLaw", LAW], ids=["path", "mapping"])
def test_a_law_and_a_corpus_source_of_ones_own_work_in_a_run(own, tmp_path, law):
    callback = {"law": law, "method": "ls", "min_points": 3}
    source = {"class_path": "own_file.Rhymes", "init_args": {"verses": 60, "held_out": 6}}
    changes = {
        "trainer.callbacks+": [{"class_path": "ScalingLawFit", "init_args": callback}],
        "trainer.val_check_interval": 1,
        "data.init_args.source": source,
    }
    config = tmp_path / "own.yaml"
    config.write_text(yaml.safe_dump(tiny(tmp_path, changes)))
    cli = main(["fit", "--config", str(config)])
    [fitted] = [c for c in cli.trainer.callbacks if isinstance(c, ScalingLawFit)]
    assert fitted.fit.law.formula == "E - A log(x / unit)"
    assert fitted.fit.law.unit == (1.0 if isinstance(law, str) else 1000.0)
    assert set(fitted.fit.params) == {"E", "A"}
    assert cli.datamodule.documents["train"][0]["source_id"] == "Rhymes"
    assert cli.datamodule.documents["validation"][0]["id"] == "held-out verse 0:"
    again = main(["validate", "--run", cli.trainer.log_dir])
    assert again.datamodule.hparams["source"] == source


def test_an_inner_optimiser_of_ones_own_trains_the_target(own, tmp_path):
    path = write_dpg(tmp_path, {"trainer.max_steps": 1, "trainer.val_check_interval": 1})
    config = yaml.safe_load(path.read_text())
    inner = config["model"]["init_args"]["inner"]
    del inner["lr"]
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(UserError, match="lr is missing, in inner; the optimizer 'adamw' needs one"):
        main(["fit", "--config", str(path)])
    inner["optimizer"] = SIGN
    path.write_text(yaml.safe_dump(config))
    cli = main(["fit", "--config", str(path)])
    assert cli.trainer.global_step == 1
    attributor = cli.model.attributor
    assert type(attributor.inner.make_optimizer()).__name__ == "Sign"
    with torch.inference_mode(False):
        run, _ = attributor.run(["abcabc", "bcdbcd"])
    start = torch.cat([p.flatten() for p in attributor.target.parameters()])
    moved = (run.theta - start).abs().max()
    assert 0 < moved <= 1.01e-3 * len(run.training.batches)


PARROT = {"class_path": "own_file.Parrot", "init_args": {"word": "ab"}}


def test_an_engine_of_ones_own_writes_the_samples_of_a_run(own, tmp_path):
    changes = {
        "model.init_args.engine": PARROT,
        "trainer.callbacks": [
            {"class_path": "Samples", "init_args": {"prompts": ["x"], "max_new_tokens": 5}}
        ],
    }
    config = tmp_path / "own.yaml"
    config.write_text(yaml.safe_dump(tiny(tmp_path, changes)))
    cli = main(["fit", "--config", str(config)])
    options = {"max_new_tokens": 5, "temperature": 1.0, "seed": 0}
    assert cli.model.sample(["x", "y"], **options) == ["ababa"] * 2
    assert cli.model.hparams["engine"] == PARROT
    engine = cli.model.engine_of(cli.model.lm)
    assert engine is cli.model.engine_of(cli.model.lm)
    assert engine.model is cli.model.lm
    assert engine.weight_version == cli.trainer.global_step == 4
    # Other data have another tokenizer, and with it another engine.
    del cli.datamodule.tokenizer
    assert cli.model.engine_of(cli.model.lm).tokenizer is cli.datamodule.tokenizer
    again = main(["validate", "--run", cli.trainer.log_dir])
    assert again.model.sample(["x"], **options) == ["ababa"]


def test_an_engine_of_ones_own_writes_what_a_generator_is_paid_for(own, tmp_path):
    changes = {"trainer.max_steps": 1, "model.init_args.engine": PARROT}
    cli = main(["fit", "--config", str(write_dpg(tmp_path, changes))])
    assert cli.trainer.global_step == 1
    texts = cli.model.write([[97], [98]], 2, seed=0)
    assert {text.text[:4] for text in texts} == {"abab"}
    assert {text.weight_version for text in texts} == {1}


def test_an_engine_of_ones_own_answers_for_a_guide(own):
    guide = make_object(
        Guide,
        {
            "class_path": "lit_research.methods.self_play.LanguageModelGuide",
            "init_args": {
                "engine": {"class_path": "own_file.Judge", "init_args": {"relevance": 3}},
                "max_new_tokens": 9,
            },
        },
    )
    pair = (parse_statement("theorem t : True"), parse_statement("theorem u : True"))
    assert guide.score([pair] * 2) == [Grade(3, 0, 1)] * 2


@pytest.mark.parametrize("path", ["OpenAIEngine", "lit_research.lm.engines.OpenAIEngine"])
def test_a_server_is_refused_where_the_weights_are_trained(tmp_path, path):
    engine = {"class_path": path, "init_args": {"max_concurrency": 2}}
    config = tmp_path / "own.yaml"
    config.write_text(yaml.safe_dump(tiny(tmp_path, {"model.init_args.engine": engine})))
    says = rf"there is no LiveEngine called '{path}' .*; known: .*TransformersEngine"
    with pytest.raises(UserError, match=says):
        main(["fit", "--config", str(config)])


def test_the_command_of_the_laws_takes_ones_own(own, tmp_path, capsys):
    points = tmp_path / "points.csv"
    points.write_text("x,loss\n" + "".join(f"{x},{y}\n" for x, y in zip(X, Y, strict=True)))
    for law in ("own_file.LogLaw", "{class_path: own_file.LogLaw, init_args: {unit: 2.0}}"):
        assert laws_command([str(points), "--law", law, "--method", "ls"]) == 0
        assert "LogLaw: E - A log(x / unit)" in capsys.readouterr().out
    assert laws_command([str(points), "--law", "{class_path: [}"]) == 2
    assert "is not a YAML mapping" in capsys.readouterr().err


def test_a_fit_of_ones_own_law_from_python(own):
    found = fit("own_file.LogLaw", X, Y, method="ls")
    assert found.params == pytest.approx({"E": 4.0, "A": 1.0}, abs=0.01)
    assert as_law({"class_path": "Sigmoid", "init_args": {"R0": 0.25}}).R0 == 0.25


@pytest.mark.parametrize(
    ("law", "says"),
    [
        ("cubic", "no law is called 'cubic'; must be power, ensemble, chinchilla"),
        ("own_fil.LogLaw", "there is no module 'own_fil'; must be module.Class of a file in the"),
        ("own_file.LogLaws", "own_file has no law 'LogLaws'; did you mean LogLaw?"),
        (
            "own_file.broken",
            "is no law; must be a subclass of lit_research.laws.Law",
        ),
        (
            "own_file.Rhymes",
            "is no law; must be a subclass of lit_research.laws.Law",
        ),
        (
            "own_file.Unfinished",
            "cannot be built; must define evaluate, starts",
        ),
        ("own_file.Silent", "the law Silent has no limit"),
        (
            "own_broken.Law",
            "cannot be imported: ModuleNotFoundError: No module named",
        ),
        (
            {**LAW, "init_args": {"units": 3}},
            "has no argument 'units', in init_args; did you mean unit",
        ),
        ({**LAW, "init_args": {"unit": "x"}}, "cannot be built: init_args.unit: Expected a float"),
        ({**LAW, "arguments": {}}, "has no argument 'arguments', in init_args"),
        ({"init_args": {}}, "must be a class path, or a mapping"),
        ({"class_path": "own_file.Unfinished"}, "must define evaluate, starts"),
    ],
    ids=str,
)
def test_what_leads_to_no_law_is_one_line_that_says_what_would_be_right(own, law, says):
    for call in (lambda: fit(law, X, Y), lambda: ScalingLawFit(law=law)):
        with pytest.raises(UserError) as refusal:
            call()
        assert says in str(refusal.value)
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"class_path": "own_file.Rhyme"}, "has no document source 'Rhyme'; did you mean Rhymes?"),
        (
            {"class_path": "own_file.Rhymes"},
            "built: the following arguments are required",
        ),
        (
            {"class_path": "own_file.LogLaw"},
            "must be a subclass of lit_research.text.Document",
        ),
        ({"class_path": "Rhymes"}, "must be module.Class, a subclass of"),
        ("list", "splits() returns list, in the source Wrong; must be a dict with train"),
        ("test", "splits() returns ['test'], in the source Wrong"),
        ("text", "the documents are a str, in the source Wrong, split train"),
        ("number", "text column 'text' holds int, not a string, in the source Wrong"),
        ("column", "'text', in the source Wrong, split train; give text_column (it has content"),
    ],
    ids=str,
)
def test_what_leads_to_no_documents_is_one_line(own, tmp_path, source, says):
    if isinstance(source, str):
        source = {"class_path": "own_file.Wrong", "init_args": {"returns": source}}
    with pytest.raises(UserError) as refusal:
        load_documents(source, cache_dir=tmp_path)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_source_may_return_data_sets_and_another_text_column_and_be_read_as_a_stream(tmp_path):
    from datasets import Dataset

    class Tables(DocumentSource):
        def splits(self):
            rows = [{"content": f"text {n}", "kind": "row"} for n in range(3)]
            return {"train": Dataset.from_list(rows), "test": rows[:1]}

    found = load_splits(Tables(), text_column="content", cache_dir=tmp_path)
    assert found["train"]["text"][:] == ["text 0", "text 1", "text 2"]
    assert found["test"][0]["kind"] == found["train"][0]["kind"] == "row"
    stream = load_documents(Tables(), text_column="content", streaming=True, cache_dir=tmp_path)
    assert [row["text"] for row in stream.take(2)] == ["text 0", "text 1"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"lr": 1e-3, "optimizer": "adamm"}, "no optimizer is called 'adamm'; must be adamw, sgd,"),
        (
            {"lr": 1e-3, "optimizer": SIGN},
            "lr is 0.001, in inner, which the optimizer Sign",
        ),
        ({"eps": 1.0, "optimizer": SIGN}, "must be in its init_args"),
        ({"optimizer": {"class_path": "own_file.LogLaw"}}, "own_file.LogLaw is no optimizer"),
        ({"optimizer": {"class_path": "SGD", "init_args": {"lr": -1.0}}}, "lr is -1.0, in SGD"),
        ({"optimizer": {"class_path": "own_file.Sign"}}, "arguments are required: init_args.lr"),
    ],
    ids=str,
)
def test_what_leads_to_no_optimiser_is_one_line(own, fields, says):
    with pytest.raises(UserError) as refusal:
        Inner(**fields)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_options_on_top_of_a_config_reach_the_object():
    """``--KEY.init_args.NAME`` is left beside ``init_args`` where KEY holds plain data."""
    config = {"class_path": "Tfidf", "init_args": {"width": 64}, "unit": "character"}
    names = {"tfidf": Tfidf}
    made = make_object(Encoder, {**config, "width": 32}, names)
    assert dict(made.card()) == dict(Tfidf(width=32, unit="character").card())
