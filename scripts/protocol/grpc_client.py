"""Asks a gRPC server with grpcio, which shares no code with ours. It knows no .proto: messages come from reflection.

Reads one JSON object a line ({"id", "do", "target", …}), answers one a line; questions run at the same time.
"""

import json
import sys
import threading

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

writing = threading.Lock()
channels = {}
pools = {}


def channel_of(target):
    if target not in channels:
        channels[target] = grpc.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)])
    return channels[target]


def reflect(target, version, request):
    method = channel_of(target).stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    return next(iter(method(iter([request]), timeout=20)))


def services(question):
    """v1 and v1alpha differ in their name only."""
    request = reflection_pb2.ServerReflectionRequest(list_services="*")
    reply = reflect(question["target"], question["version"], request)
    return {"services": sorted(service.name for service in reply.list_services_response.service)}


def pool_of(target):
    """The server's own descriptors, google.rpc's among them; the package's client asks for them by v1alpha."""
    if target not in pools:
        pools[target] = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel_of(target)))
    return pools[target]


def call(question):
    service, name = question["method"].rsplit("/", 1)
    method = pool_of(question["target"]).FindServiceByName(service).FindMethodByName(name)
    request = json_format.ParseDict(question.get("message", {}), message_factory.GetMessageClass(method.input_type)())
    answer = message_factory.GetMessageClass(method.output_type)
    stub = channel_of(question["target"]).unary_unary(
        "/" + question["method"],
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=answer.FromString,
    )
    metadata = list(question.get("metadata", {}).items())
    try:
        response, done = stub.with_call(request, metadata=metadata, timeout=question.get("timeout", 20))
    except grpc.RpcError as error:
        return refused(error, question["target"])
    return {"code": "OK", "response": json_format.MessageToDict(response), "trailers": texts(done.trailing_metadata())}


def texts(metadata):
    return {key: value for key, value in metadata or () if isinstance(value, str)}


def refused(error, target):
    def detail(name, data):
        return message_factory.GetMessageClass(pool_of(target).FindMessageTypeByName("google.rpc." + name)).FromString(data)

    answer = {"code": error.code().name, "details": error.details(), "trailers": texts(error.trailing_metadata()), "violations": []}
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        status = detail("Status", value)
        answer["status_code"], answer["status_message"] = status.code, status.message
        for packed in status.details:
            name = packed.type_url.rsplit(".", 1)[1]
            if name == "ErrorInfo":
                info = detail(name, packed.value)
                answer["reason"], answer["domain"] = info.reason, info.domain
            elif name == "BadRequest":
                bad = detail(name, packed.value)
                answer["violations"] = [{"field": one.field, "reason": one.reason} for one in bad.field_violations]
    return answer


def health(question):
    stub = health_pb2_grpc.HealthStub(channel_of(question["target"]))
    request = health_pb2.HealthCheckRequest(service=question.get("service", ""))
    try:
        return {"status": health_pb2.HealthCheckResponse.ServingStatus.Name(stub.Check(request, timeout=20).status)}
    except grpc.RpcError as error:
        return refused(error, question["target"])


def watch(question):
    """Every status until the server ends the watch, or the given seconds have passed."""
    stub = health_pb2_grpc.HealthStub(channel_of(question["target"]))
    seen = []
    try:
        for answer in stub.Watch(health_pb2.HealthCheckRequest(service=question.get("service", "")), timeout=question["timeout"]):
            seen.append(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
            if len(seen) == 1:
                say({"id": question["id"], "event": seen[0]})
    except grpc.RpcError as error:
        return {"seen": seen, "code": error.code().name}
    return {"seen": seen, "code": "OK"}


def close(question):
    pools.pop(question["target"], None)
    channel = channels.pop(question["target"], None)
    if channel is not None:
        channel.close()
    return {}


def say(answer):
    with writing:
        print(json.dumps(answer), flush=True)


def answer(question):
    try:
        say({"id": question["id"], "answer": KNOWN[question["do"]](question)})
    except Exception as error:  # whatever it was, who asked must hear of it
        say({"id": question["id"], "error": f"{type(error).__name__}: {error}"})


KNOWN = {"services": services, "call": call, "health": health, "watch": watch, "close": close}

for line in sys.stdin:
    threading.Thread(target=answer, args=(json.loads(line),), daemon=True).start()
