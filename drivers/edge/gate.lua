-- gate.lua: reads whom a TLS client asks for, inside HAProxy.
--
-- Between us and the server there must be no two ways to read it: a message
-- that is not laid out exactly as RFC 8446 says, comes in pieces (records), or
-- has anything twice, has no name here. Sets sess.name (lower case), or
-- sess.why: "unreadable" or "hidden".

local HANDSHAKE, CLIENT_HELLO = 22, 1
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
