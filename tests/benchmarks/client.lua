-- wrk's script for all figures. All traffic of one run has one method, path and body; in path and body {id} becomes
-- a prefix + 10 digits, new for each request, and {time} a growing last_updated. What to send comes in the environment
-- (tests/benchmarks/load.py): BENCH_METHOD, BENCH_PATH, BENCH_BODY (a file), BENCH_HEADERS (lines), BENCH_PREFIX.
-- With BENCH_CHECK=all every answer must be HTTP 200 or 201 with status_code 1000. The last line is JSON.

local method = os.getenv("BENCH_METHOD")
local path = os.getenv("BENCH_PATH")
local prefix = os.getenv("BENCH_PREFIX")
local headers = os.getenv("BENCH_HEADERS")
local body = ""
if os.getenv("BENCH_BODY") ~= "" then
    local file = assert(io.open(os.getenv("BENCH_BODY"), "rb"))
    body = file:read("*a")
    file:close()
end

-- Globals: wrk reads these per thread.
failures = 0
first_failure = ""
sent = 0
local threads = {}

function setup(thread)
    table.insert(threads, thread)
    thread:set("number", #threads)
end

local function make(text_path, text_body)
    local length = "Content-Length: " .. #text_body .. "\r\n\r\n"
    return method .. " " .. text_path .. " HTTP/1.1\r\n" .. headers .. length .. text_body
end

if path:find("{id}", 1, true) or body:find("{id}", 1, true) then
    -- The whole request is cut at its placeholders once; all ids and times have the same length.
    local id_sample, time_sample = prefix .. "0000000000", "2026-01-01T00:00:00.000Z"
    local id_mark, time_mark = ("\1"):rep(#id_sample), ("\2"):rep(#time_sample)
    local function mark(text)
        return (text:gsub("{id}", id_mark):gsub("{time}", time_mark))
    end
    local whole = make(mark(path), mark(body))
    local pieces, kinds = {}, {}
    local from = 1
    while true do
        local at, to = whole:find("[\1\2]+", from)
        if not at then
            break
        end
        table.insert(pieces, whole:sub(from, at - 1))
        table.insert(pieces, "")
        kinds[#pieces] = whole:byte(at)
        from = to + 1
    end
    table.insert(pieces, whole:sub(from))
    local second, stamp = -1, ""
    function request()
        local id = string.format("%s%02d%08d", prefix, number, sent)
        local now = math.floor(sent / 1000)
        if now ~= second then
            second, stamp = now, os.date("!%Y-%m-%dT%H:%M:%S", 1767225600 + now)
        end
        local time = string.format("%s.%03dZ", stamp, sent % 1000)
        for place, kind in pairs(kinds) do
            pieces[place] = kind == 1 and id or time
        end
        sent = sent + 1
        return table.concat(pieces)
    end
else
    local whole = make(path, body)
    function request()
        return whole
    end
end

if os.getenv("BENCH_CHECK") == "all" then
    function response(status, _, answer)
        if (status ~= 200 and status ~= 201) or not answer:find('"status_code": ?1000') then
            failures = failures + 1
            if first_failure == "" then
                first_failure = status .. " " .. answer:sub(1, 200)
            end
        end
    end
end

function done(summary, latency, _)
    local errors = summary.errors
    local bad, first = 0, ""
    for _, thread in ipairs(threads) do
        bad = bad + thread:get("failures")
        if first == "" then
            first = thread:get("first_failure")
        end
    end
    if bad == 0 then
        bad = errors.status
    end
    local lost = errors.connect + errors.read + errors.write + errors.timeout
    io.write(string.format(
        '\n{"requests":%d,"seconds":%.6f,"bytes":%.0f,"failures":%d,"lost":%d,'
            .. '"p50_us":%d,"p99_us":%d,"first_failure":"%s"}\n',
        summary.requests, summary.duration / 1e6, summary.bytes, bad, lost, latency:percentile(50),
        latency:percentile(99), (first:gsub('[%c"\\]', " "))))
end
