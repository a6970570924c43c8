"""Where items are from: folders, packages and releases by class path; what is built is kept."""

import pytest

from lit_research.errors import UserError
from lit_research.methods.longcode import ItemFolder, PackageQuestions, ReleaseRepairs, SourceTree
from lit_research.methods.longcode.item_sources import item_source
from tests.methods.longcode.exams import write_items

_METHOD = "lit_research.methods.longcode"
WORDS = ["red", "blue", "green", "amber", "violet", "umber", "teal", "rose"]


@pytest.fixture
def package(tmp_path):
    """A folder of a package with enough defaults to ask about."""
    folder = tmp_path / "shop-1.0"
    (folder / "shop").mkdir(parents=True)
    for name in ("cart", "till"):
        lines = [
            f"def {name}_{word}(limit_{word}={number}):\n    return limit_{word}\n"
            for number, word in enumerate(WORDS, 10)
        ]
        (folder / "shop" / f"{name}.py").write_text(
            "\n\n".join(lines).replace("=1", f"={len(name)}1")
        )
    (folder / "shop/__init__.py").write_text("")
    return folder


def test_a_path_is_a_folder_of_items(tmp_path):
    folder = write_items(tmp_path / "items", 4)
    source = item_source(str(folder))
    assert isinstance(source, ItemFolder)
    assert len(source.items().questions) == 4


def test_a_class_is_named_by_its_path(package):
    config = {
        "class_path": f"{_METHOD}.PackageQuestions",
        "init_args": {"packages": [str(package)], "kinds": ["default"]},
    }
    source = item_source(config)
    assert isinstance(source, PackageQuestions)
    assert {item.kind for item in source.items().questions} == {"default"}


def test_what_is_built_is_kept_until_the_package_or_an_option_changes(
    package, monkeypatch, tmp_path
):
    monkeypatch.setenv("LIT_RESEARCH_CACHE", str(tmp_path / "cache"))
    built = []
    build = PackageQuestions.build

    def counted(self, releases: list[SourceTree]):
        built.append(len(releases))
        return build(self, releases)

    monkeypatch.setattr(PackageQuestions, "build", counted)
    first = PackageQuestions([str(package)], ["default"]).items()
    again = PackageQuestions([str(package)], ["default"]).items()
    assert list(first.items) == list(again.items)
    assert len(built) == 1
    PackageQuestions([str(package)], ["default"], seed=1).items()
    (package / "shop/cart.py").write_text((package / "shop/cart.py").read_text() + "\nLIMIT = 7\n")
    PackageQuestions([str(package)], ["default"]).items()
    assert len(built) == 3


def test_bad_sources_are_refused():
    with pytest.raises(UserError, match="must be two or more"):
        ReleaseRepairs(["one.tar.gz"])
    given = {"path": "x", "what": "question"}
    with pytest.raises(UserError, match="Got value: question"):
        item_source({"class_path": f"{_METHOD}.ReleasedItems", "init_args": given})
