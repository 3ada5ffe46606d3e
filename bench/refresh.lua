-- Refreshes without a pause: each request sends a token that an answer before it gave.
-- Arguments: what holds the token (`cookie` or `json`), and the file of the first tokens.

local tokens, first, last = {}, 1, 0
local cookie = "__Host%-Http%-refresh=([^;]+)"
local asked = false
local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

function init(args)
   kind, starved = args[1], 0
   for token in io.lines(args[2]) do
      last = last + 1
      tokens[last] = token
   end
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/json"
   wrk.headers["Host"] = "localhost:" .. wrk.port
end

function request()
   local token = tokens[first]
   if token == nil then  -- its last request failed, and failures are reported
      starved = starved + 1
      return wrk.format("POST", nil, nil, "{}")
   end
   if asked then  -- wrk asks once more than it sends, before the first
      tokens[first] = nil
      first = first + 1
   end
   asked = true
   if kind == "cookie" then
      wrk.headers["Cookie"] = "__Host-Http-refresh=" .. token
      return wrk.format("POST", nil, nil, "{}")
   end
   return wrk.format("POST", nil, nil, '{"refresh":"' .. token .. '"}')
end

function response(status, headers, body)
   local token
   if kind == "cookie" then
      token = string.match(headers["Set-Cookie"] or "", cookie)
   else
      token = string.match(body, '"refresh":"([^"]+)"')
   end
   if token then
      last = last + 1
      tokens[last] = token
   end
end

function done(summary, latency, requests)
   local failed, errors = 0, summary.errors
   for _, thread in ipairs(threads) do
      failed = failed + thread:get("starved")
   end
   failed = failed + errors.connect + errors.read + errors.write + errors.status + errors.timeout
   io.write(string.format("\nRESULT %f %f %f %d\n", summary.requests * 1e6 / summary.duration,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed))
end
