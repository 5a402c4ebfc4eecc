"""What must not stand in the product's source, and what its packages must be: read, not run."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "reconciler").rglob("*.py"))
RUNS_CODE = {
    "eval", "exec", "compile", "__import__", "pickle", "marshal", "shelve", "dill", "os.system", "os.popen",
    "subprocess", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "yaml.UnsafeLoader",
    "yaml.FullLoader", "yaml.Loader",
}  # fmt: skip
LOADS_PLUGINS = {"entry_points", "pkg_resources", "importlib.metadata", "pkgutil"}
# `re.compile` is no `compile`; the calls are compared as they are written.
# Names of our own tables, which no database takes as a bound value.
OUR_TABLES = {"f'ALTER TABLE {table.name} ADD COLUMN {definition}'", "f'DELETE FROM {table}'"}
SQL_WORDS = re.compile(r"^\s*(?:select|insert|update|delete|drop|alter|create|pragma|vacuum|begin)\b", re.IGNORECASE)


def names(source: str) -> Iterator[str]:
    """Every name that a module imports, calls or takes from another, as it is written."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (name for alias in node.names for name in (node.module or "", f"{node.module}.{alias.name}"))
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield ast.unparse(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def forbidden(source: str, words: set[str]) -> list[str]:
    return sorted({name for name in names(source) for word in words if name == word or name.startswith(f"{word}.")})


def unverified(source: str) -> list[str]:
    """What would let a server without a certificate in, or let the machine's settings decide."""
    found = []
    tree = ast.parse(source)
    vouched = {"trusted(os.environ)"} | {
        ast.unparse(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == "trusted(os.environ)"
        for target in node.targets
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("verify", "trust_env", "follow_redirects", "check_hostname"):
            safe = {"verify": True, "check_hostname": True, "trust_env": False, "follow_redirects": False}[node.arg]
            checked = node.arg == "verify" and ast.unparse(node.value) in vouched
            if not checked and not (isinstance(node.value, ast.Constant) and node.value.value is safe):
                found.append(f"{node.arg}={ast.unparse(node.value)}")
        if isinstance(node, ast.Attribute) and node.attr in ("CERT_NONE", "_create_unverified_context"):
            found.append(node.attr)
    return found


def sql_from_data(source: str) -> list[str]:
    """Statements that are put together from values instead of being given them."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in (
            "text",
            "execute",
            "exec_driver_sql",
        ):
            made = (part for part in node.args if isinstance(part, ast.JoinedStr | ast.BinOp))
            found += [ast.unparse(part) for part in made if SQL_WORDS.search(_literal(part))]
    return found


def _literal(node: ast.expr) -> str:
    return "".join(
        part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )


@pytest.mark.security(30)
def test_no_module_runs_what_it_reads() -> None:
    found = {path.name: forbidden(path.read_text(encoding="utf-8"), RUNS_CODE) for path in SOURCES}
    assert {name: hits for name, hits in found.items() if hits} == {}


@pytest.mark.security(31)
def test_nothing_is_loaded_because_it_is_installed() -> None:
    found = {path.name: forbidden(path.read_text(encoding="utf-8"), LOADS_PLUGINS) for path in SOURCES}
    assert {name: hits for name, hits in found.items() if hits} == {}


@pytest.mark.security(23, 24)
def test_nowhere_are_certificates_left_unchecked_redirects_followed_or_proxies_taken() -> None:
    found = {path.name: unverified(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert {name: hits for name, hits in found.items() if hits} == {}


@pytest.mark.security(23)
def test_the_one_transport_takes_no_settings_of_the_machine_and_no_client_is_around_it() -> None:
    made = {path.name: re.findall(r"httpx\.(\w*(?:Client|Transport))\(", path.read_text("utf-8")) for path in SOURCES}
    assert {name: found for name, found in made.items() if found} == {"http.py": ["AsyncHTTPTransport"]}
    transport = (ROOT / "reconciler/targets/http.py").read_text(encoding="utf-8").partition("AsyncHTTPTransport(")[2]
    arguments = transport.partition(")")[0]
    assert "trust_env=False" in arguments
    assert "verify=certificates" in arguments
    # A transport of its own accord follows no redirect; repeating a write is ours to decide.
    assert "retries" not in arguments


@pytest.mark.security(29)
def test_no_statement_is_put_together_from_data() -> None:
    found = {hit for path in SOURCES for hit in sql_from_data(path.read_text(encoding="utf-8"))}
    assert found - OUR_TABLES == set()


def test_the_readers_of_the_source_see_what_they_look_for() -> None:
    assert forbidden("import pickle\nyaml.load(x)\neval(y)\nfrom os import system", RUNS_CODE | {"os.system"})
    assert forbidden("from importlib.metadata import entry_points", LOADS_PLUGINS)
    assert forbidden("re.compile('x')\nyaml.SafeLoader", RUNS_CODE) == []
    assert unverified("httpx.AsyncClient(verify=False)") == ["verify=False"]
    assert unverified("httpx.AsyncClient(verify=flag, trust_env=True)") == ["verify=flag", "trust_env=True"]
    assert unverified("flag = trusted(os.environ)\nhttpx.AsyncClient(verify=flag)") == []
    assert unverified("flag = trusted({})\nhttpx.AsyncClient(verify=flag)") == ["verify=flag"]
    assert sql_from_data("c.execute(f'SELECT * FROM a WHERE b = {c}')")
    assert sql_from_data("c.execute(text('SELECT 1 WHERE a = :a'), a=1)") == []


# -- dependencies and the wheel


@pytest.mark.security(33)
@pytest.mark.parametrize("name", ["run.txt", "dev.txt", "bench.txt"])
def test_every_locked_requirement_has_its_version_and_hashes(name: str) -> None:
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    locked = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert locked
    assert [line for line in locked if not re.match(r"[\w.\-\[\],]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)] == []


@pytest.mark.security(33)
def test_packages_are_installed_by_their_hashes_and_the_direct_ones_are_few() -> None:
    assert '"--require-hashes"' in (ROOT / "requirements" / "setup_venv.py").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    direct = {re.split(r"[<>=\[ ]", requirement)[0].lower() for requirement in project["dependencies"]}
    assert len(direct) <= 12
    locked = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8").lower().replace(".", "-")
    assert [name for name in direct if f"\n{name.replace('.', '-')}==" not in f"\n{locked}"] == []


@pytest.mark.security(34)
def test_two_builds_are_the_same_bytes(tmp_path: Path) -> None:
    wheels = []
    for number in (1, 2):
        # The second copy is younger, and lies elsewhere: neither may show.
        folder = tmp_path / str(number) / "source"
        folder.mkdir(parents=True)
        subprocess.run(["git", "-C", ROOT, "archive", "--output", folder / "a.tar", "HEAD"], check=True)
        subprocess.run(["tar", "-xmf", "a.tar"], cwd=folder, check=True)
        (folder / "a.tar").unlink()
        build = "import hatchling.build as b, sys; b.build_wheel(sys.argv[1])"
        subprocess.run([sys.executable, "-c", build, folder.parent], cwd=folder, check=True, capture_output=True)
        wheels.append(next(folder.parent.glob("*.whl")).read_bytes())
    assert wheels[0] == wheels[1]


@pytest.mark.security(34)
def test_the_list_of_components_has_every_locked_package_with_all_its_hashes() -> None:
    lock = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
    command = [sys.executable, ROOT / "requirements" / "bill_of_materials.py"]
    first, second = (subprocess.run(command, check=True, capture_output=True).stdout for _ in range(2))
    assert first == second
    components = json.loads(first)["components"]
    told = [f"{each['name']}=={each['version']}" for each in components]
    assert sorted(told) == sorted(re.findall(r"^[\w.-]+==[^\s;]+", lock, re.MULTILINE))
    hashes = [each["hashes"][0]["content"] for component in components for each in component["externalReferences"]]
    assert sorted(hashes) == sorted(re.findall(r"sha256:([0-9a-f]{64})", lock))
