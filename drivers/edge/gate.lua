-- gate.lua: reads whom a TLS client asks for, inside HAProxy.
--
-- Between us and the server there must be no two ways to read it: a message
-- that is not laid out exactly as RFC 8446 says, comes in pieces (records), or
-- has anything twice, has no name here.
--
-- The action read_hello sets sess.name (lower case) and sess.hidden, or leaves
-- them. A server may ask for a second first message (HelloRetryRequest), and
-- some then believe the name in that one: with the filter "gate" the client
-- sends no second message before the server has answered, and if the answer is
-- that, it must say what the first did.

local ALERT, HANDSHAKE = 21, 22
local CLIENT_HELLO, SERVER_HELLO = 1, 2
-- RFC 8446 section 4.1.3: the random bytes of a ServerHello that is a request.
local RETRY = "\xCF\x21\xAD\x74\xE5\x9A\x61\x11\xBE\x1D\x8C\x02\x1E\x65\xB8\x91"
    .. "\xC2\xA2\x11\x16\x7A\xBB\x8C\x5E\x07\x9E\x09\xE2\xC8\xA8\x33\x9C"
local SERVER_NAME, HOST_NAME = 0, 0
local HIDDEN = { [0xFE0D] = true, [0xFFCE] = true } -- ECH, and ESNI before it

local function want(condition)
    if not condition then
        error("unreadable", 0)
    end
end

-- A host name of RFC 1035: labels of 1 to 63 bytes, no dot at the end.
local function host_name(text)
    want(#text <= 253 and not text:find("[^%w%-_.]"))
    for label in (text .. "."):gmatch("([^.]*)%.") do
        want(#label >= 1 and #label <= 63)
    end
    return text:lower()
end

local function server_name(body)
    local list, after = string.unpack(">s2", body)
    want(after == #body + 1)
    local kind, name, rest = string.unpack(">Bs2", list)
    want(kind == HOST_NAME and rest == #list + 1)
    return host_name(name)
end

-- Bytes of the extensions, all of them. Returns the name or nil, and whether there is a hidden one.
local function extensions(bytes)
    local at, seen, name, hidden = 1, {}, nil, false
    while at <= #bytes do
        local kind, body
        kind, body, at = string.unpack(">I2s2", bytes, at)
        want(not seen[kind])
        seen[kind] = true
        if kind == SERVER_NAME then
            name = server_name(body)
        end
        hidden = hidden or HIDDEN[kind] or false
    end
    return name, hidden
end

-- Bytes of one handshake message.
local function client_hello(bytes)
    local kind, length, version, at = string.unpack(">BI3I2", bytes)
    want(kind == CLIENT_HELLO and length == #bytes - 4 and version >= 0x0301 and version <= 0x0303)
    local session, ciphers, compressions, rest
    session, ciphers, compressions, at = string.unpack(">s1s2s1", bytes, at + 32)
    want(#session <= 32 and #ciphers >= 2 and #ciphers % 2 == 0 and #compressions >= 1)
    if at == #bytes + 1 then
        return nil, false -- as old as TLS 1.0
    end
    rest, at = string.unpack(">s2", bytes, at)
    want(at == #bytes + 1)
    return extensions(rest)
end

-- Bytes that begin with a whole record, which holds the whole message and nothing else.
local function read_name(bytes)
    local kind, version, message = string.unpack(">BI2s2", bytes)
    want(kind == HANDSHAKE and version >= 0x0301 and version <= 0x0303)
    return client_hello(message)
end

local function read_hello(txn)
    local readable, name, hidden = pcall(read_name, txn.f:req_payload(0, 0) or "")
    if readable and name then
        txn:set_var("sess.name", name)
    else
        txn:set_var("sess.why", "unreadable")
    end
    if readable and hidden then
        txn:set_var("sess.hidden", true)
    end
end

core.register_action("read_hello", { "tcp-req" }, read_hello)

-- One connection; the same for both directions.
--   hello   the first message is not passed on yet
--   answer  no other message before the server's
--   again   the server has asked for a second first message
--   over    there is nothing more to see
local gate = { id = "the gate's eye" }
gate.__index = gate

function gate:new()
    return setmetatable({ state = "hello", rest = 0 }, gate)
end

function gate:start_analyze(_, channel)
    filter.register_data_filter(self, channel)
end

function gate:let(channel)
    self.state = "over"
    filter.unregister_data_filter(self, channel)
    return channel:input()
end

-- What has come and is not passed on.
local function waiting(channel)
    return channel:input() > 0 and channel:data(0) or ""
end

-- How long the record at `at` is with its head, and its type; nil = that cannot be told yet.
local function record(bytes, at)
    if #bytes < at + 4 then
        return nil
    end
    local kind, _, length = string.unpack(">BI2I2", bytes, at)
    return 5 + length, kind
end

function gate:on_answer(channel)
    local bytes, at = waiting(channel), 1
    local size, kind = record(bytes, at)
    while kind == ALERT and #bytes >= at + size - 1 do -- warnings may come first
        at = at + size
        size, kind = record(bytes, at)
    end
    if not kind or kind == ALERT or (kind == HANDSHAKE and #bytes < at + 5) then
        return at - 1
    end
    if kind ~= HANDSHAKE or bytes:byte(at + 5) ~= SERVER_HELLO then
        return self:let(channel)
    end
    if #bytes < at + 42 then
        return at - 1
    end
    if bytes:sub(at + 11, at + 42) ~= RETRY then
        return self:let(channel)
    end
    self.state = "again"
    filter.unregister_data_filter(self, channel)
    return channel:input()
end

-- The connection ends, and is told of like all that do not pass. There is no other way to end it from here
-- than an error.
local function refuse(txn, why)
    txn:set_var("sess.why", why)
    txn:set_loglevel(6)
    error("refused", 0)
end

function gate:judge_again(txn, channel, message)
    local readable, name, hidden = pcall(read_name, message)
    if not readable or not name then
        txn:unset_var("sess.name")
        refuse(txn, "unreadable")
    end
    if name ~= txn:get_var("sess.name") or hidden ~= (txn:get_var("sess.hidden") or false) then
        txn:set_var("sess.name", name)
        refuse(txn, "name")
    end
    return self:let(channel)
end

-- Passes on records of the client that are no messages: early data, alerts, changes of cipher that mean
-- nothing. Returns how many bytes, how long the message after them is (nil = there is none), and the message
-- itself if it is whole.
function gate:skim(bytes)
    local at = 1 + math.min(self.rest, #bytes)
    self.rest = self.rest - (at - 1)
    while self.rest == 0 do
        local size, kind = record(bytes, at)
        if not kind then
            return at - 1
        elseif kind == HANDSHAKE then
            local whole = #bytes >= at + size - 1 and bytes:sub(at, at + size - 1)
            return at - 1, size, whole or nil
        end
        local here = math.min(size, #bytes - at + 1)
        self.rest = size - here
        at = at + here
    end
    return at - 1
end

function gate:tcp_payload(txn, channel)
    if self.state == "over" then
        return self:let(channel)
    elseif channel:is_resp() then
        return self:on_answer(channel)
    elseif self.state == "hello" then
        self.state = "answer"
        return (record(channel:data(0, 5), 1))
    end
    local passed, size, message = self:skim(waiting(channel))
    if size and self.state == "answer" then
        refuse(txn, "unreadable")
    elseif message then
        return self:judge_again(txn, channel, message)
    end
    return passed
end

core.register_filter("gate", gate, function(class)
    return class
end)
