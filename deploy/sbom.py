"""What the images' binaries are made of, from `cargo metadata` on standard input and Cargo.lock.

    cargo metadata --locked --format-version 1 --filter-platform … | sbom.py Cargo.lock <folder>

Writes `twofold.cdx.json`, a CycloneDX 1.6 bill of materials, and `licences.txt`, each licence's text once with the crates
that come with it. Only what is linked in: no crates for tests or builds. The same sources give the same bytes.
"""

import hashlib
import json
import pathlib
import re
import sys
import tomllib
import urllib.parse

BINARIES = [
    "command-service", "process-manager", "projector-postgres", "projector-redis", "query-service", "relay",
    "schema-registry", "twofold",
]
TEXTS = re.compile(r"^(licen[cs]e|copying|notice|unlicense)", re.IGNORECASE)


def linked(metadata: dict) -> tuple[dict, dict]:
    """Every package that gets into a binary, by its id, and which others each of them links."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    members = set(metadata["workspace_members"])
    open_ids = [id for id in members if packages[id]["name"] in BINARIES]
    edges: dict[str, list[str]] = {}
    while open_ids:
        id = open_ids.pop()
        if id in edges:
            continue
        normal = [
            dependency["pkg"] for dependency in nodes[id]["deps"]
            if any(kind["kind"] is None for kind in dependency["dep_kinds"])
            and not any("proc-macro" in target["kind"] for target in packages[dependency["pkg"]]["targets"])
        ]
        edges[id] = sorted(normal)
        open_ids += normal
    return {id: packages[id] for id in edges}, edges


def purl(package: dict) -> str:
    return f"pkg:cargo/{urllib.parse.quote(package['name'])}@{urllib.parse.quote(package['version'])}"


def licence(package: dict) -> str:
    # Before SPDX expressions a slash was what crates wrote.
    return (package["license"] or "").replace("/", " OR ") or "unknown"


def bill(packages: dict, edges: dict, lock: dict) -> dict:
    sums = {(one["name"], one["version"]): one.get("checksum") for one in lock["package"]}
    ours = next(package for package in packages.values() if package["name"] == "twofold")
    components = []
    for package in sorted(packages.values(), key=lambda package: (package["name"], package["version"])):
        checksum = sums.get((package["name"], package["version"]))
        component = {
            "type": "library", "bom-ref": purl(package), "name": package["name"], "version": package["version"],
            "purl": purl(package), "licenses": [{"expression": licence(package)}],
        }
        if checksum:
            component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        if package["repository"]:
            component["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
        components.append(component)
    dependencies = [
        {"ref": purl(packages[id]), "dependsOn": sorted({purl(packages[other]) for other in others})}
        for id, others in edges.items()
    ]
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"component": {
            "type": "application", "bom-ref": "twofold-images", "name": "Twofold", "version": ours["version"],
            "licenses": [{"expression": licence(ours)}],
        }},
        "components": components,
        "dependencies": sorted(dependencies, key=lambda dependency: dependency["ref"]),
    }


def licences(packages: dict) -> str:
    """Who asks for which text to be passed on. Crates that come without one name their licence only."""
    texts: dict[str, tuple[str, list[str]]] = {}
    without = []
    for package in sorted(packages.values(), key=lambda package: (package["name"], package["version"])):
        if package["source"] is None:
            continue
        named = f"{package['name']} {package['version']} ({licence(package)})"
        folder = pathlib.Path(package["manifest_path"]).parent
        # A `-sys` crate brings the sources of a library in another language, and that library's licence.
        files = folder.rglob("*") if package["name"].endswith("-sys") else folder.iterdir()
        found = sorted(path for path in files if TEXTS.match(path.name) and path.is_file())
        if not found:
            without.append(named)
        for path in found:
            text = path.read_text(errors="replace").strip()
            key = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
            texts.setdefault(key, (text, []))[1].append(named)
    parts = ["The binaries of Twofold contain these crates, each under its licence.\n"]
    for text, crates in sorted(texts.values(), key=lambda one: (-len(one[1]), one[1])):
        parts.append("=" * 78 + "\n" + "\n".join(dict.fromkeys(crates)) + "\n" + "-" * 78 + "\n" + text + "\n")
    if without:
        parts.append("=" * 78 + "\nWithout a text of their own:\n" + "\n".join(without) + "\n")
    return "\n".join(parts)


def main() -> int:
    lock, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    packages, edges = linked(json.load(sys.stdin))
    folder.mkdir(parents=True, exist_ok=True)
    told = bill(packages, edges, tomllib.loads(lock.read_text()))
    (folder / "twofold.cdx.json").write_text(json.dumps(told, indent=1) + "\n")
    (folder / "licences.txt").write_text(licences(packages))
    unknown = [package["name"] for package in packages.values() if licence(package) == "unknown"]
    print(f"{len(packages)} crates; {folder}/twofold.cdx.json, {folder}/licences.txt")
    if unknown:
        print("no licence is known of " + ", ".join(sorted(unknown)))
    return 1 if unknown else 0


sys.exit(main())
