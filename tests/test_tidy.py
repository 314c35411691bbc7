"""The house rules as a test: what a reviewer should never have to say."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("megatron", "exchange", "oracle", "liquidity", "chain")
LINE_MAX = 100
FILE_LINES_MAX, TEST_FILE_LINES_MAX = 400, 500
FUNCTION_LINES_MAX, ENGINE_FUNCTION_LINES_MAX = 50, 40
# By position a caller can still tell six apart; more have to be named, and never more than ten.
POSITIONAL_MAX, PARAMETERS_MAX = 6, 10
MARKERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MODULES_WITHOUT_MEANING = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
# Started by a tool that finds it by its place, so that no import names it.
FOUND_BY_PLACE = re.compile(
    r"(^|/)(management/commands|migrations|templatetags)/|/(apps|admin|asgi|settings|tasks)\.py$"
    r"|^megatron/postgres/base\.py$|^tests/|^(run|manage)\.py$|/__init__\.py$"
)


@dataclass(frozen=True)
class Source:
    """One Python file of ours."""

    path: Path

    @cached_property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def is_test(self) -> bool:
        return self.name.startswith("tests/")

    @property
    def is_pure(self) -> bool:
        return bool(re.match(r"(exchange/engines|\w+/core)/", self.name))

    def nodes(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))


def _sources() -> list[Source]:
    roots = [ROOT / app for app in (*APPS, "tests")]
    files = [p for root in roots for p in root.rglob("*.py") if "node_modules" not in p.parts]
    files += [ROOT / "run.py", ROOT / "manage.py"]
    return [Source(path) for path in sorted(files)]


SOURCES = _sources()
OURS = [s for s in SOURCES if "/migrations/" not in s.name]
PRODUCT = [s for s in OURS if not s.is_test]
Finding = tuple[Source, int, str]


def _report(findings: Iterator[Finding]) -> None:
    lines = [f"{source.name}:{line}: {words}" for source, line, words in findings]
    if lines:
        pytest.fail("\n".join(["", *lines]), pytrace=False)


def test_lines_and_files_are_short() -> None:
    def find() -> Iterator[Finding]:
        for source in OURS:
            lines = source.text.splitlines()
            limit = TEST_FILE_LINES_MAX if source.is_test else FILE_LINES_MAX
            if len(lines) > limit:
                yield source, limit, f"{len(lines)} lines; a file has at most {limit}"
            for number, line in enumerate(lines, 1):
                if len(line) > LINE_MAX:
                    yield source, number, f"{len(line)} columns; a line has at most {LINE_MAX}"

    _report(find())


def test_functions_are_short_and_take_few_arguments() -> None:
    def find() -> Iterator[Finding]:
        for source in OURS:
            limit = ENGINE_FUNCTION_LINES_MAX if source.is_pure else FUNCTION_LINES_MAX
            for node in source.nodes(ast.FunctionDef, ast.AsyncFunctionDef):
                assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > limit:
                    words = f"{node.name} has {length} lines; at most {limit}"
                    yield source, node.lineno, words
                if words := _too_many_arguments(node):
                    yield source, node.lineno, words

    _report(find())


def _too_many_arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
    positional = [name for name in names if name not in {"self", "cls"}]
    if len(positional) > POSITIONAL_MAX:
        return f"{node.name} takes {len(positional)} by position; at most {POSITIONAL_MAX}"
    if len(positional) + len(node.args.kwonlyargs) > PARAMETERS_MAX and not node.decorator_list:
        return f"{node.name} takes more than {PARAMETERS_MAX} arguments"
    return ""


def test_every_module_says_its_duty() -> None:
    def find() -> Iterator[Finding]:
        for source in OURS:
            says_it_by_name = source.path.name.startswith("test_")
            if source.tree.body and not says_it_by_name and not ast.get_docstring(source.tree):
                yield source, 1, "the module has no docstring that says its duty"

    _report(find())


def test_public_functions_of_engines_cores_and_services_are_described() -> None:
    def find() -> Iterator[Finding]:
        for source in PRODUCT:
            if not source.is_pure and "/services/" not in source.name:
                continue
            for node in source.tree.body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    first = (ast.get_docstring(node) or "").partition("\n")[0]
                    if not first.endswith((".", ":")):
                        yield source, node.lineno, f"{node.name} is not described in one sentence"

    _report(find())


def test_engines_and_cores_are_exact() -> None:
    def find() -> Iterator[Finding]:
        for source in (s for s in PRODUCT if s.is_pure and not s.name.endswith("/fixedmath.py")):
            for node in ast.walk(source.tree):
                if words := _inexact(node):
                    yield source, getattr(node, "lineno", 1), words

    _report(find())


def _inexact(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=float()):
            return "a float literal; figures are integers at a named scale"
        case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            return "a bare /; divide by rounding.py, which names the direction"
        case ast.Call(func=ast.Name(id="float")):
            return "float(); figures are integers at a named scale"
        case ast.Call(func=ast.Name(id="sum"), args=[ast.Set() | ast.SetComp(), *_]):
            return "sum over a set drops equal members"
        case ast.For(iter=ast.Set() | ast.SetComp() | ast.Call(func=ast.Name(id="set"))):
            return "iteration over a set has no order that a replay could repeat"
        case _:
            return ""


def _everywhere(_: Source) -> bool:
    return True


def _product(source: Source) -> bool:
    return not source.is_test and source.name not in {"run.py", "exchange/clock.py"}


def _outside(*files: str) -> Callable[[Source], bool]:
    return lambda source: not source.is_test and source.name not in files


def _at_the_edge(source: Source) -> bool:
    return not source.is_test and bool(re.match(r"\w+/(api|views)/", source.name))


LOCKS = ("exchange/services/locks.py", "chain/services/locks.py")
EVENTS = "exchange/services/events.py"
# The oracle's sweep sends one task for each market that is due.
SWEEP = "oracle/tasks.py"
# The pattern, why it is refused, and where.
BANNED: tuple[tuple[str, str, Callable[[Source], bool]], ...] = (
    (r"(?<![\w.])print\(", "print; commands use self.stdout, the rest the log", _product),
    (r"\bdatetime\.(now|utcnow|today)\(", "only exchange/clock.py reads the time", _product),
    (r"\btimezone\.now\b", "only exchange/clock.py reads the time", _product),
    (r"\btime\.(time|time_ns|monotonic)\(", "only exchange/clock.py reads the time", _product),
    (r"except:", "a bare except hides our own mistakes", _everywhere),
    (r"select_for_update", "row locks are spelled in locks.py", _outside(*LOCKS)),
    (r"FOR (NO KEY )?UPDATE", "row locks are spelled in locks.py", _outside(*LOCKS)),
    (r"\.delay\(|\.apply_async\(", "tasks are sent by the sweep alone", _outside(EVENTS, SWEEP)),
    (r"\bobjects\.get\(", "the edge reaches rows through selectors/access.py", _at_the_edge),
    (r"\bget_object_or_404\(", "the edge reaches rows through selectors/access.py", _at_the_edge),
    (r"import \*", "a star import hides where a name comes from", _everywhere),
    (r"django\.dispatch", "no signals: the caller says what happens next", _product),
)


@pytest.mark.parametrize(("pattern", "why", "where"), BANNED, ids=[b[0] for b in BANNED])
def test_nothing_banned(pattern: str, why: str, where: Callable[[Source], bool]) -> None:
    rule = re.compile(pattern)

    def find() -> Iterator[Finding]:
        for source in (s for s in OURS if where(s) and s.path != Path(__file__)):
            for number, line in enumerate(source.text.splitlines(), 1):
                code = line.partition("#")[0]
                if rule.search(code):
                    yield source, number, why

    _report(find())


def test_no_markers_are_left() -> None:
    def find() -> Iterator[Finding]:
        for source in (s for s in OURS if s.path != Path(__file__)):
            for number, line in enumerate(source.text.splitlines(), 1):
                if MARKERS.search(line):
                    yield source, number, "a marker; known gaps are written down as issues"

    _report(find())


def test_no_module_is_named_for_nothing() -> None:
    def find() -> Iterator[Finding]:
        for source in OURS:
            if source.path.stem in MODULES_WITHOUT_MEANING:
                yield source, 1, "a name that says nothing fills like a drawer"

    _report(find())


def test_every_file_is_used() -> None:
    imported = {name for source in SOURCES for name in _imported(source)}
    # Settings name a class by a string, a contract names a module.
    strings = "\n".join(s.text for s in PRODUCT) + (ROOT / ".importlinter").read_text()

    def find() -> Iterator[Finding]:
        for source in (s for s in PRODUCT if not FOUND_BY_PLACE.search(s.name)):
            module = source.name.removesuffix(".py").replace("/", ".")
            if module not in imported and not re.search(rf'"{module}[".:]', strings):
                yield source, 1, "nothing imports this file"

    _report(find())


def _imported(source: Source) -> Iterator[str]:
    for node in source.nodes(ast.Import, ast.ImportFrom):
        names = [alias.name for alias in getattr(node, "names", [])]
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{name}" for name in names)
        else:
            yield from names
