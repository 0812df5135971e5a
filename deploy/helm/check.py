"""Checks what the chart renders to, beyond the form of each object: that they fit together and keep their promises.

    check.py schemas <folder of Kubernetes' OpenAPI documents> <folder for JSON schemas>
    check.py rendered <file of rendered YAML> …

The first makes schemas for kubeconform, strict ones, of the documents that Kubernetes' own source carries.
"""

import json
import pathlib
import sys

import yaml


def schemas(documents: pathlib.Path, folder: pathlib.Path) -> None:
    """One file for each kind, named `<kind>-<group>-<version>.json`, in which no field may stand that is not known."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in documents.glob("*_openapi.json"):
        known = json.loads(path.read_text()).get("components", {}).get("schemas", {})
        text = json.dumps({name: closed(schema) for name, schema in known.items()})
        definitions = json.loads(text.replace("#/components/schemas/", "#/definitions/"))
        for name, schema in known.items():
            for kind in schema.get("x-kubernetes-group-version-kind", []):
                parts = [kind["kind"], *kind["group"].split(".")[:1], kind["version"]]
                target = folder / ("-".join(part for part in parts if part).lower() + ".json")
                target.write_text(json.dumps({"$ref": f"#/definitions/{name}", "definitions": definitions}))


def closed(schema):
    """The same, with every object closed that names its fields."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(value) for key, value in schema.items()}
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return schema


def rendered(path: pathlib.Path) -> list[str]:
    """What is wrong with a release."""
    objects = [found for found in yaml.safe_load_all(path.read_text()) if found]
    by_kind: dict[str, dict[str, dict]] = {}
    wrong = []
    for found in objects:
        of_kind = by_kind.setdefault(found["kind"], {})
        if found["metadata"]["name"] in of_kind:
            wrong.append(f"two objects are {found['kind']} {found['metadata']['name']}")
        of_kind[found["metadata"]["name"]] = found
    deployments = by_kind.get("Deployment", {})
    if len(deployments) < 6:
        wrong.append(f"only {len(deployments)} deployments")
    for name, deployment in deployments.items():
        wrong += [f"{name}: {what}" for what in of_deployment(name, deployment, by_kind)]
    jobs = by_kind.get("Job", {})
    for name, job in jobs.items():
        wrong += [f"{name}: {what}" for what in of_pod(job["spec"]["template"]["spec"])]
        if job["metadata"]["annotations"]["helm.sh/hook"] != "pre-install,pre-upgrade":
            wrong.append(f"{name}: does not run before the services")
        wrong += [f"{name}: {what}" for what in of_secrets(job["spec"]["template"]["spec"], by_kind, hook=True)]
    if len(jobs) != 1:
        wrong.append(f"{len(jobs)} migrations")
    return wrong


def of_deployment(name: str, deployment: dict, by_kind: dict):
    spec = deployment["spec"]
    labels = spec["template"]["metadata"]["labels"]
    chosen = spec["selector"]["matchLabels"]
    if not chosen.items() <= labels.items():
        yield "its selector does not choose its pods"
    for kind, path in [("Service", ["selector"]), ("PodDisruptionBudget", ["selector", "matchLabels"])]:
        other = by_kind.get(kind, {}).get(name)
        selector = other and other["spec"]
        for step in path:
            selector = selector and selector[step]
        if selector != chosen:
            yield f"no {kind} chooses its pods"
    scales = name in by_kind.get("HorizontalPodAutoscaler", {})
    if scales == ("replicas" in spec):
        yield "its replicas are said twice, or not at all"
    policies = by_kind.get("NetworkPolicy", {})
    if policies and policies.get(name, {}).get("spec", {}).get("podSelector", {}).get("matchLabels") != chosen:
        yield "no NetworkPolicy chooses its pods"
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    port = container["ports"][0]
    if (port["name"], f"0.0.0.0:{port['containerPort']}") != ("http", variables(container).get("TWOFOLD_LISTEN")):
        yield "it does not listen where it is asked"
    for probe, path in [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]:
        told = next(iter(by_kind["ConfigMap"].values()))["data"]
        scheme = "HTTPS" if "TWOFOLD_TLS_CERT" in told else "HTTP"
        if container.get(probe, {}).get("httpGet") != {"path": path, "port": "http", "scheme": scheme}:
            yield f"no {probe} of {path}"
    if spec["strategy"]["rollingUpdate"] != {"maxSurge": 1, "maxUnavailable": 0}:
        yield "less of it serve while it is rolled out"
    config = container["envFrom"][0]["configMapRef"]["name"]
    if config not in by_kind["ConfigMap"]:
        yield f"there is no ConfigMap {config}"
    if "checksum/config" not in spec["template"]["metadata"]["annotations"]:
        yield "it does not restart when its configuration changes"
    yield from of_pod(pod)
    yield from of_secrets(pod, by_kind, hook=False)
    yield from of_addresses(by_kind)


def of_pod(pod: dict):
    if not pod["securityContext"]["runAsNonRoot"] or pod["securityContext"]["seccompProfile"]["type"] != "RuntimeDefault":
        yield "it may run as root, or without seccomp"
    if pod["automountServiceAccountToken"]:
        yield "it is given a token of Kubernetes"
    for container in pod["containers"]:
        context = container["securityContext"]
        if context != {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}:
            yield "it may do more than it needs"
        if not {"cpu", "memory"} <= container["resources"]["requests"].keys() or "memory" not in container["resources"]["limits"]:
            yield "its needs or bounds are not said"
        names = [variable["name"] for variable in container["env"]]
        if len(names) != len(set(names)):
            yield "a variable is said twice"


def of_secrets(pod: dict, by_kind: dict, hook: bool):
    """Secrets are named, never written out; those of the release are there and have the keys."""
    for container in pod["containers"]:
        for variable in container["env"]:
            value = str(variable.get("value", ""))
            if "://" in value and "@" in value:
                yield f"{variable['name']} has a password in it"
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            secret = reference and by_kind.get("Secret", {}).get(reference["name"])
            if not secret:
                continue
            if reference["key"] not in secret["stringData"] and not reference.get("optional"):
                yield f"the secret {reference['name']} has no {reference['key']}"
            if hook and "helm.sh/hook" not in secret["metadata"].get("annotations", {}):
                yield f"the secret {reference['name']} comes after what needs it"


def of_addresses(by_kind: dict):
    """What services are told of each other is where they are."""
    services = by_kind.get("Service", {})
    for config in by_kind["ConfigMap"].values():
        scheme = "https" if "TWOFOLD_TLS_CERT" in config["data"] else "http"
        places = {f"{scheme}://{name}:{service['spec']['ports'][0]['port']}" for name, service in services.items()}
        for name in ["TWOFOLD_LOG_SERVICE_URL", "TWOFOLD_PROCESS_MANAGER_URL"]:
            if config["data"][name] not in places:
                yield f"{name} is {config['data'][name]}, where nobody is"


def variables(container: dict) -> dict:
    return {variable["name"]: variable.get("value") for variable in container["env"]}


def main() -> int:
    match sys.argv[1:]:
        case ["schemas", documents, folder]:
            schemas(pathlib.Path(documents), pathlib.Path(folder))
            return 0
        case ["rendered", *paths] if paths:
            wrong = [f"{path}: {what}" for path in paths for what in dict.fromkeys(rendered(pathlib.Path(path)))]
            print("\n".join(wrong) or f"{len(paths)} renderings fit together")
            return 1 if wrong else 0
    print(__doc__)
    return 2


sys.exit(main())
