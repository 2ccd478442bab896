"""Record the requests of a real kubectl: `python -m tests.contract.kubernetes.record`, from the repository's root.

Every command runs against a fresh hand-made cluster. Its requests go, in order, into a file of JSON lines with the
status and shape of the answer; the replay asks them again without any kubectl.
"""

import asyncio
import base64
import dataclasses
import json
import os
import shlex
import signal
import subprocess
import tempfile
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler
from tests.contract.kubernetes.conftest import MEANWHILE, RECORDING, Exchange, World, ask, make_world, serve_world

COMMANDS = {
    "kubectl get pods": "",
    "kubectl get pods -o wide": "",
    "kubectl get deploy -o wide": "",
    "kubectl get svc -o wide": "",
    "kubectl get events": "",
    "kubectl get events -o wide": "",
    "kubectl events": "",
    "kubectl get all -o wide": "",
    "kubectl get all -o json": "",
    "kubectl get pods -o json": "",
    "kubectl get deploy payment -o json": "",
    "kubectl get deploy payment -o jsonpath={.spec.replicas}": "",
    "kubectl get svc payment -o jsonpath={.spec.clusterIP}": "",
    "kubectl get ep,endpointslices,nodes,ns,pvc,rs -o wide": "",
    "kubectl get leases -A": "",
    "kubectl get pods -l name=payment": "",
    "kubectl get pods -l name=payment -w": "payment becomes ready",
    "kubectl get pod nope": "",
    "kubectl scale deployment payment --replicas=0": "",
    "kubectl logs deployment/orders --tail=2": "",
    "kubectl logs orders-7c9d-aaaaa --timestamps": "",
    "kubectl logs orders-7c9d-aaaaa --previous": "",
    "kubectl delete pod payment-5f6b-bbbbb": "the kubelet lets go",
    "kubectl describe deploy payment": "",
    "kubectl describe pod payment-5f6b-ccccc": "",
    "kubectl describe svc orders": "",
    "kubectl describe node sockshop-worker": "",
    "kubectl label pod orders-7c9d-aaaaa checked=yes": "",
    "kubectl annotate deploy orders checked=yes": "",
    "kubectl set env deploy/payment DECLINE_LIMIT=1 NEW=2": "",
    "kubectl set image deploy/payment payment=oddsock/sock-shop-payment:2": "",
    "kubectl rollout status deploy/orders --timeout=3s": "",
    "kubectl delete svc payment --dry-run=server": "",
    "kubectl auth can-i delete pods": "",
    "kubectl create configmap recorded --from-literal=a=b": "",
    "kubectl create secret generic recorded --from-literal=a=b": "",
    "kubectl create namespace recorded": "",
    "kubectl create deployment recorded --image=busybox --replicas=0 -- sleep 5": "",
    "kubectl create service clusterip recorded --tcp=80:8080": "",
    "kubectl apply -f tests/contract/kubernetes/pods.yaml": "",
    "kubectl apply --server-side -f tests/contract/kubernetes/pods.yaml": "",
    "kubectl diff -f tests/contract/kubernetes/pods.yaml": "",
}
"""What is recorded, and what happens meanwhile; a command that goes on watching is ended by a signal."""

KEPT_HEADERS = ("Accept", "Content-Type", "User-Agent")
MEANWHILE_AFTER_S = 1.0
PORT = 18732


def recorder(seen: list[Exchange], command: str, meanwhile: str) -> object:
    """A middleware that adds every request to *seen*."""

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        raw = await request.read()
        headers = {name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}
        is_binary = "protobuf" in headers.get("Content-Type", "")
        body = base64.b64encode(raw).decode() if is_binary else raw.decode()
        watched = meanwhile if "watch=true" in request.raw_path else ""
        seen.append(Exchange(command, 0, watched, request.method, request.raw_path, headers, body))
        return await handler(request)

    return record


async def run(world: World, command: str, meanwhile: str, home: Path) -> int:
    """The exit code of *command* against *world*."""
    environment = {**os.environ, "KUBECONFIG": str(world.kubeconfig()), "HOME": str(home)}
    process = await asyncio.create_subprocess_exec(
        *shlex.split(command), env=environment, start_new_session=True, stdout=subprocess.DEVNULL
    )
    if meanwhile:
        await asyncio.sleep(MEANWHILE_AFTER_S)
        MEANWHILE[meanwhile](world)
        try:
            return await asyncio.wait_for(process.wait(), MEANWHILE_AFTER_S)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGTERM)
            await process.wait()
            return 0
    return await process.wait()


async def record(folder: Path) -> list[Exchange]:
    """Every exchange of every command; the first command also shows the discovery, which kubectl then remembers."""
    found: list[Exchange] = []
    for number, (command, meanwhile) in enumerate(COMMANDS.items()):
        seen: list[Exchange] = []
        world = make_world(folder / f"{number}")
        # One port for all, as kubectl keeps what it discovered by server.
        runner = await serve_world(world, recorder(seen, command, meanwhile), port=PORT)
        code = await run(world, command, meanwhile, folder)
        await runner.cleanup()
        again = make_world(folder / f"{number}-again")
        runner = await serve_world(again)
        async with aiohttp.ClientSession(auto_decompress=True) as session:
            for exchange in seen:
                exchange.exit = code
                exchange.status, exchange.answer = await ask(session, again, exchange)
        await runner.cleanup()
        found += seen
    return found


def main() -> None:
    """Write the recording anew."""
    with tempfile.TemporaryDirectory() as folder:
        exchanges = asyncio.run(record(Path(folder)))
    lines = [json.dumps(dataclasses.asdict(exchange), ensure_ascii=False) for exchange in exchanges]
    RECORDING.write_text("\n".join(lines) + "\n")
    print(f"{len(exchanges)} requests of {len(COMMANDS)} commands")


if __name__ == "__main__":
    main()
