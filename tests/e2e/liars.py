"""A server that answers whatever a test wants, and answers that hold the worst there is."""
import random
from concurrent import futures

import grpc

import callers

EVIL = ["\x1b]0;pwn\x07\x1b[2J", "\u202eevil\u200b", "a\nb\tc\r", "\u009b31m", "\u2028", "\U000e0041", "x" * 3000, "\xe9" * 50, ""]
NUMBERS = {"INT64": [2**63 - 1, -2**63, -1, 0], "UINT64": [2**64 - 1], "INT32": [2**31 - 1, -2**31, -1, 0, 256],
           "UINT32": [2**32 - 1], "BOOL": [True], "DOUBLE": [float("nan")], "FLOAT": [float("inf")]}


class Server:
    """`answer(method)` gives a list of packed messages, or raises what the call fails with."""

    def __init__(self, answer):
        self.answer = answer
        self.faults = []  # of its own
        self.server = grpc.server(futures.ThreadPoolExecutor(8))
        self.server.add_generic_rpc_handlers([self])
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def service(self, details):
        method = callers.METHODS[details.method[1:]]
        kind = ("stream_" if method.asks_by_stream else "unary_") + ("stream" if method.answers_by_stream else "unary")
        return getattr(grpc, f"{kind}_rpc_method_handler")(
            lambda request, context: self.serve(method, request if method.asks_by_stream else None, context))

    def serve(self, method, requests, context):
        if requests:
            next(requests, None)
        try:
            messages = self.answer(method)
        except Refusal as refusal:
            context.set_trailing_metadata([("grpc-status-details-bin", refusal.details)])
            context.abort(refusal.code, refusal.text)
        except Exception as fault:
            self.faults.append(fault)
            raise
        return iter(messages) if method.answers_by_stream else messages[0]


class Refusal(Exception):
    def __init__(self, code, text, details):
        super().__init__(text)
        self.code, self.text, self.details = code, text, details


def value(field, rng):
    kind = next(name[8:] for name in dir(field) if name.startswith("CPPTYPE_") and getattr(field, name) == field.cpp_type)
    if kind == "ENUM":
        return rng.choice([known.number for known in field.enum_type.values] + [77, -5])
    if kind in NUMBERS:
        return rng.choice(NUMBERS[kind])
    text = rng.choice(EVIL)
    return text.encode() + b"\xff\x00" if field.type == field.TYPE_BYTES else text


def fill(message, rng, depth=0):
    """Most fields, with the worst there is; some are missing."""
    for field in message.DESCRIPTOR.fields:
        if depth > 5 or rng.random() < 0.1 or (field.containing_oneof and rng.random() < 0.5):
            continue
        place = getattr(message, field.name)
        if field.message_type and field.message_type.GetOptions().map_entry:
            fill_map(place, field.message_type, rng)
        elif field.message_type and hasattr(place, "add"):
            for _ in range(rng.randint(0, 3)):
                fill(place.add(), rng, depth + 1)
        elif field.message_type:
            place.SetInParent()
            fill(place, rng, depth + 1)
        elif hasattr(place, "extend"):
            place.extend(value(field, rng) for _ in range(rng.randint(0, 3)))
        else:
            setattr(message, field.name, value(field, rng))


def fill_map(place, entry, rng):
    key, kind = value(entry.fields_by_name["key"], rng), entry.fields_by_name["value"]
    if kind.message_type:
        fill(place[key], rng, 3)
    else:
        place[key] = value(kind, rng)


def worst(method, rng: random.Random):
    """One answer of that method."""
    message = method.answer()
    fill(message, rng)
    return message
