-- What the filter does for one ask of the native dialect, as one would write it in Envoy's Lua: judge the head, read the
-- body strictly, rebuild the request, translate the answer. Not signed: Lua has nothing to sign with. A baseline only.

local KEPT = {
  [":authority"] = true, [":method"] = true, [":scheme"] = true, [":path"] = true, traceparent = true,
  tracestate = true, ["x-b3-traceid"] = true, ["x-forwarded-proto"] = true, ["x-request-id"] = true,
}
local REPLACED = {
  "allow", "cache-control", "content-encoding", "content-type", "rekey-outcome", "retry-after", "set-cookie",
  "x-content-type-options", "x-envoy-upstream-service-time", "x-request-id",
}
local ESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local QUOTED = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local TITLES = { busy = "The service is busy", malformed = "The request is malformed" }

local read_value

local function read_string(text, at)
  local out, from = {}, at + 1
  while true do
    local stop = string.find(text, '["\\%c]', from)
    if not stop then return nil end
    out[#out + 1] = string.sub(text, from, stop - 1)
    local byte = string.sub(text, stop, stop)
    if byte == '"' then return table.concat(out), stop + 1 end
    if byte ~= "\\" then return nil end
    local escape = string.sub(text, stop + 1, stop + 1)
    if escape == "u" then
      local code = tonumber(string.match(text, "^%x%x%x%x", stop + 2), 16)
      if not code or (code >= 0xD800 and code <= 0xDFFF) then return nil end
      if code < 0x80 then out[#out + 1] = string.char(code)
      elseif code < 0x800 then out[#out + 1] = string.char(0xC0 + math.floor(code / 64), 0x80 + code % 64)
      else out[#out + 1] = string.char(0xE0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64) end
      from = stop + 6
    elseif ESCAPES[escape] then
      out[#out + 1] = ESCAPES[escape]
      from = stop + 2
    else
      return nil
    end
  end
end

local function skip(text, at) return string.find(text, "[^ \t\r\n]", at) end

local function read_object(text, at, depth)
  local members = {}
  at = skip(text, at + 1)
  if at and string.sub(text, at, at) == "}" then return members, at + 1 end
  while at and string.sub(text, at, at) == '"' do
    local name, value
    name, at = read_string(text, at)
    if not name or members[name] ~= nil then return nil end
    at = skip(text, at)
    if not at or string.sub(text, at, at) ~= ":" then return nil end
    at = skip(text, at + 1)
    if not at then return nil end
    value, at = read_value(text, at, depth)
    if value == nil then return nil end
    members[name] = value
    at = skip(text, at)
    local byte = at and string.sub(text, at, at)
    if byte == "}" then return members, at + 1 end
    if byte ~= "," then return nil end
    at = skip(text, at + 1)
  end
  return nil
end

local function read_array(text, at, depth)
  local items = {}
  at = skip(text, at + 1)
  if at and string.sub(text, at, at) == "]" then return items, at + 1 end
  while at do
    local value
    value, at = read_value(text, at, depth)
    if value == nil then return nil end
    items[#items + 1] = value
    at = skip(text, at)
    local byte = at and string.sub(text, at, at)
    if byte == "]" then return items, at + 1 end
    if byte ~= "," then return nil end
    at = skip(text, at + 1)
  end
  return nil
end

read_value = function(text, at, depth)
  local byte = string.sub(text, at, at)
  if depth > 16 then return nil end
  if byte == '"' then return read_string(text, at) end
  if byte == "{" then return read_object(text, at, depth + 1) end
  if byte == "[" then return read_array(text, at, depth + 1) end
  for word, value in pairs({ ["true"] = true, ["false"] = false, null = "null" }) do
    if string.sub(text, at, at + #word - 1) == word then return value, at + #word end
  end
  local number = string.match(text, "^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  if number and tonumber(number) then return number, at + #number end
  return nil
end

local function parse(text)
  local at = skip(text, 1)
  if not at or string.sub(text, at, at) ~= "{" then return nil end
  local value, rest = read_value(text, at, 0)
  if value == nil or skip(text, rest) then return nil end
  return value
end

local function quote(text) return '"' .. string.gsub(text, '["\\%c]', QUOTED) .. '"' end

local function problem(code, status, request)
  return '{"type":"urn:rekey:problem:' .. code .. '","title":"' .. (TITLES[code] or code) .. '","status":' .. status ..
    ',"code":"' .. code .. '","instance":"' .. request .. '"}'
end

local function refuse(handle, code, status)
  local request = handle:headers():get("x-request-id") or ""
  handle:respond({
    [":status"] = tostring(status), ["content-type"] = "application/problem+json; charset=utf-8",
    ["cache-control"] = "no-store", ["x-content-type-options"] = "nosniff", ["x-request-id"] = request, vary = "Origin",
  }, problem(code, status, request))
end

local function address(text)
  if #text > 254 then return nil end
  local name, domain = string.match(text, "^([%w!#$%%&'*+/=?^_`{|}~.-]+)@([%w.-]+)$")
  if not name or #name > 64 or string.find(name, "%.%.") or string.find(domain, "%.%.") or not string.find(domain, "%.") then
    return nil
  end
  return name .. "@" .. string.lower(domain)
end

local function language(headers)
  local wanted = headers:get("accept-language") or ""
  return string.find(wanted, "^zh") and "zh-CN" or "en"
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local path = headers:get(":path")
  if headers:get(":method") ~= "POST" then return refuse(handle, "method_not_allowed", 405) end
  if string.find(path, "?", 1, true) then return refuse(handle, "malformed", 400) end
  local length = tonumber(headers:get("content-length") or "0")
  if not length or length > 16384 then return refuse(handle, "too_large", 413) end
  if (headers:get("content-encoding") or "identity") ~= "identity" then return refuse(handle, "unsupported_media", 415) end
  local kind = string.lower(headers:get("content-type") or "")
  if not string.find(kind, "^application/json%s*;?%s*[a-z0-9=-]*$") then return refuse(handle, "unsupported_media", 415) end
  if headers:get("sec-fetch-site") == "cross-site" then return refuse(handle, "origin_refused", 403) end
  local buffer = handle:body()
  if not buffer or buffer:length() > 16384 then return refuse(handle, "too_large", 413) end
  -- What was held while the body came is gone.
  headers = handle:headers()
  local body = parse(buffer:getBytes(0, buffer:length()))
  if not body or type(body.channel) ~= "string" or type(body.to) ~= "string" then return refuse(handle, "malformed", 400) end
  local to = body.channel == "email" and address(body.to)
  if not to then return refuse(handle, "malformed", 400) end
  local request = headers:get("x-request-id") or ""
  local sender = string.match(handle:streamInfo():downstreamRemoteAddress(), "^%[?(.-)%]?:%d+$")
  local message = '{"op":"initiate","dialect":"native","site":"default","sender":"' .. sender .. '","language":"' ..
    language(headers) .. '","agent":' .. quote(headers:get("user-agent") or "") .. ',"request":"' .. request ..
    '","channel":"email","to":' .. quote(to) .. "}"
  local gone = {}
  for name in pairs(headers) do
    if not KEPT[name] then gone[#gone + 1] = name end
  end
  for _, name in ipairs(gone) do headers:remove(name) end
  headers:replace("content-type", "application/vnd.rekey")
  headers:replace("content-length", tostring(#message))
  headers:replace("x-rekey-operation", "initiate")
  buffer:setBytes(message)
  handle:streamInfo():dynamicMetadata():set("rekey", "request", request)
end

function envoy_on_response(handle)
  local request = handle:streamInfo():dynamicMetadata():get("rekey")
  if not request then return end
  local buffer = handle:body()
  local headers = handle:headers()
  local outcome = buffer and parse(buffer:getBytes(0, buffer:length()))
  local status, kind, text = 202, "application/json; charset=utf-8", '{"status":"accepted"}'
  if not outcome or outcome.outcome ~= "accepted" then
    status, kind = 503, "application/problem+json; charset=utf-8"
    text = problem("busy", status, request.request)
  end
  for _, name in ipairs(REPLACED) do headers:remove(name) end
  headers:replace(":status", tostring(status))
  headers:replace("content-type", kind)
  headers:replace("cache-control", "no-store")
  headers:replace("x-content-type-options", "nosniff")
  headers:replace("x-request-id", request.request)
  headers:replace("vary", "Origin")
  headers:replace("content-length", tostring(#text))
  if buffer then buffer:setBytes(text) end
end
