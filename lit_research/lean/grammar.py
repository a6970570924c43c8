# ruff: noqa: RUF001  (the symbols are those of Lean's notation)
"""Write the Lean source that turns on the part of Lean's own grammar that proofs need.

``libleanshared.so`` holds native code for every parser and macro of Lean's core library. Lean's
interpreter looks for native code under a declaration's own name before anything else, so a
declaration with that name, whatever its body, brings the original to life::

    @[tactic_parser 1000, extern "x"] def Lean.Parser.Tactic.exact : Lean.ParserDescr := ...

What is turned on is listed here by name: tactics, terms, attributes. What is not listed (running
programs from a tactic, reading files, trusting compiled code, new syntax for new syntax) stays out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

TRAILING_NODE, NODE_WITH_ANTIQUOT = 4, 9  # tags of ParserDescr, see introspect.py

# Categories of syntax that Lean's core library declares; the others are built into the frontend.
CATEGORIES = ("conv", "rcasesPat", "rintroPat", "binderPred")

# Category -> namespace -> parsers. The names are those of Lean's core library.
SYNTAX: dict[str, dict[str, str]] = {
    "tactic": {
        "Lean.Parser.Tactic": """
            acNf0 acRfl allGoals anyGoals apply applyAssumption applyRfl applyRules assumption case
            case' cases change classical clear congr constructor contradiction decide delta done
            dsimp eqRefl exact exposeNames fail failIfSuccess falseOrByContra first focus funCases
            funInduction generalize induction injection injections intro intros left letrec obtain
            paren rcases refine refine' rename renameI repeat' repeat1' replace revert
            rewriteSeq right rintro rotateLeft rotateRight rwSeq rwa rwaAt
            rwaAtLegacyLocation show simp simpAll simpa
            simpaUsingBang skip solveByElim specialize split subst substEqs substVars symm
            tacDepIfThenElse tacIfThenElse tacticAc_nf_ tacticAnd_intros tacticErw___ tacticExfalso
            tacticExists_,, tacticHave' tacticHaveI__ tacticHave__ tacticInfer_instance
            tacticIterate____ tacticLet'__ tacticLetI__ tacticLet__ tacticNext_=>_ tacticNofun
            tacticNomatch_,, tacticRefine_lift'_ tacticRefine_lift_ tacticRepeat_ tacticRfl
            tacticRfl' tacticSorry tacticStop_ tacticSuffices_ tacticTrivial tacticTry_
            tacticUnhygienic_ tactic_<;>_ unfold withReducible withReducibleAndInstances
            withUnfoldingAll withUnfoldingNone
        """,
        "": "tacticBy_cases_:_ tacticFunext___",
        "Lean": "calcTactic cdot solveTactic",
        "Lean.Elab.Tactic.Ext": "applyExtTheorem ext tacticExt1___",
        "Lean.Parser.Tactic.Conv": "conv",
    },
    "term": {
        "": """
            coeNotation rawNatLit termDepIfThenElse termIfLet termIfThenElse term%[_|_] term[_]
            term_!=_ term_$__ term_%_ term_&&_ term_*_ term_++_ term_+_ term_-_ term_/_ term_::_
            term_<=_ term_<_ term_<|_ term_==_ term_=_ term_>=_ term_>_ term_^_ term_|>_ term_||_
            term_×_ term_×__1 term_↔_ term_∈_ term_∉_ term_∘_ term_∣_ term_∧_ term_∨_ term_≍_
            term_≠_ term_≤_ term_≥_ term-_ term!_ term{_:_//_} term¬_ term‹_› term∃_,_
            termExists_,_
        """,
        "Lean": "calc term∀__,_ term∃__,_ termSatisfies_binder_pred%__",
    },
    "binderPred": {
        "Lean": "binderPred<_ binderPred>_ binderPred≤_ binderPred≥_ binderPred≠_ "
        "binderPred∈_ binderPred∉_"
    },
    "rcasesPat": {"Lean.Parser.Tactic.rcasesPat": "clear explicit ignore one paren tuple"},
    "rintroPat": {"Lean.Parser.Tactic.rintroPat": "binder one"},
    "conv": {
        "Lean": "convCalc_",
        "Lean.Parser.Tactic.Conv": """
            allGoals anyGoals arg case case' change congr convApply_ convArgs convConvSeq convDone
            convErw__ convIntro___ convLeft convNext__=>_ convRepeat_ convRfl convRight convRw__
            convTactic convTry_ conv_<;>_ conv·_ delta dsimp enter ext failIfSuccess first focus fun
            lhs nestedConv nestedTactic nestedTacticCore paren pattern reduce rewrite rhs simp
            simpMatch skip unfold whnf zeta
        """,
    },
    "prec": {
        "": "prec(_) precArg precLead precMax precMin precMin1",
        "Lean.Parser.Syntax": "addPrec subPrec",
    },
    "prio": {
        "": "prio(_) prioDefault prioHigh prioLow prioMid",
        "Lean.Parser.Syntax": "addPrio subPrio",
    },
    "attr": {"Lean.Parser.Attr": "simp ext", "Lean": "univ_out_params"},
}

# What starts like another parser, and is preferred where both fit. The others have priority 1000.
PREFERRED = {"Lean.Parser.Tactic.rintroPat.binder": 1001}  # to `rcasesPat.paren`

# Pieces of syntax without a category are turned on by namespace; these belong to what is left out.
_PIECES = (
    "Lean.Parser.Tactic",
    "Lean.Parser.Tactic.Conv",
    "Lean.Parser.Attr",
    "Lean",
    "Lean.Parser.Tactic.SolveByElim",
)
_UNUSED_PIECE = re.compile(
    r"grind|bv|m(refine|cases)|vc|invariant|.*Trace|guard|.*[cC]onfig.*reduce|unifConstraint|anchor"
)
_CONFIG = re.compile(r"(config|configItem|optConfig|posConfigItem|negConfigItem|valConfigItem)$")

# Functions of Lean's core library that print these constants as people write them.
UNEXPANDERS = {
    "unexpandExists": "Exists",
    "unexpandIte": "ite",
    "unexpandListCons": "List.cons",
    "unexpandListNil": "List.nil",
    "unexpandProdMk": "Prod.mk",
    "unexpandSubtype": "Subtype",
    "unexpandUnit": "Unit.unit",
}
NOTATIONS = """
    HAdd.hAdd HSub.hSub HMul.hMul HDiv.hDiv HMod.hMod HPow.hPow HAppend.hAppend Neg.neg Eq Ne HEq
    And Or Not Iff LE.le LT.lt GE.ge GT.gt Dvd.dvd Membership.mem List.cons Function.comp Prod
    BEq.beq bne Bool.and Bool.or Bool.not
"""

_MACRO = re.compile(r"_aux_(Init_.*?)___macroRules_(.*)_(\d+)$")
_UNEXPANDER = re.compile(r"_aux_(Init_.*?)___unexpand_(.*)_(\d+)$")


def quote(name: Iterable[str]) -> str:
    """Write a name's components so that Lean reads them back whatever they are."""
    return ".".join(f"«{component}»" for component in name)


def generate(found: dict[str, list[Any]]) -> str:
    """Return the grammar as Lean source, from what :mod:`introspect` found in the library."""
    wanted = {
        (*filter(None, namespace.split(".")), name): category
        for category, spaces in SYNTAX.items()
        for namespace, names in spaces.items()
        for name in names.split()
    }
    lines = [f"declare_syntax_cat {category} (behavior := both)" for category in CATEGORIES]
    kinds: dict[str, list[str]] = {}
    for tag, name in sorted(found["parsers"], key=lambda entry: entry[0] != NODE_WITH_ANTIQUOT):
        category = wanted.pop(tuple(name), None)
        if category or (tag == NODE_WITH_ANTIQUOT and _is_piece(name)):
            kinds["_".join(name).replace(".", "_")] = name
            lines.append(_parser(tag, name, category))
    if wanted:
        raise ValueError(f"not in the library: {sorted('.'.join(name) for name in wanted)}")
    lines.extend(_macros(found["macros"], kinds))
    return "\n".join(lines) + "\n"


def unexpanders(found: dict[str, list[Any]]) -> str:
    """Return the declarations that make Lean print notation: after the constants they print."""
    constants = {name.replace(".", "_"): name for name in NOTATIONS.split()}
    chosen = []
    for name in found["macros"]:
        match = _UNEXPANDER.match(name[-1])
        if match and match[2] in constants:
            chosen.append((0, constants[match[2]], name))
        elif len(name) == 1 and name[0] in UNEXPANDERS:
            chosen.append((1, UNEXPANDERS[name[0]], name))
    lines = []
    # The last one declared is tried first: `[a, b]` before `a :: [b]`.
    for number, (_, constant, name) in enumerate(sorted(chosen)):
        handler = f"LitResearch.unexpander{number}"
        lines += [
            f'@[extern "x"] def {quote(name)} (stx ref : Lean.Syntax) (_ : Unit) : '
            "Lean.MacroResult := stx",
            f"@[app_unexpander {constant}] def {handler} : Lean.PrettyPrinter.Unexpander := "
            f"fun stx ref s => {quote(name)} stx ref s",
        ]
    return "\n".join(lines) + "\n"


def _is_piece(name: list[str]) -> bool:
    return ".".join(name[:-1]) in _PIECES and not _UNUSED_PIECE.match(name[-1])


def _parser(tag: int, name: list[str], category: str | None) -> str:
    kind = "Lean.TrailingParserDescr" if tag == TRAILING_NODE else "Lean.ParserDescr"
    priority = PREFERRED.get(".".join(name), 1000)
    attribute = f"{category}_parser {priority}, " if category else ""
    return f'@[{attribute}extern "x"] def {quote(name)} : {kind} := .const .anonymous'


def _macros(functions: list[list[str]], kinds: dict[str, list[str]]) -> Iterator[str]:
    number = 0
    for name in functions:
        match = _MACRO.match(name[-1])
        if match and match[2] in kinds:
            number += 1
            yield (
                f'@[extern "x"] def {quote(name)} (stx : Lean.Syntax) (_ : Lean.Macro.Context) '
                "(_ : Lean.Macro.State) : Lean.MacroResult := stx"
            )
            yield (
                f"@[macro {quote(kinds[match[2]])}] def LitResearch.macro{number} : Lean.Macro := "
                f"fun stx c s => {quote(name)} stx c s"
            )
