-- Do a batch of operations, one after the other, each as `etagere.contract.apply` says.
--
-- KEYS   the key of every operation, in order; those of a transaction stand in a row
-- ARGV   for each operation one of
--          'write' expected etag ttl value
--          'remove' expected
--          'touch' expected ttl
--          'transaction' count, and then so many of the above
--        expected: '' anything; '=' absent; '=' and an etag
--        ttl: '' for ever; 'keep'; or milliseconds
--
-- Returns for each operation 1 or 0; for a transaction a list of these; for a conflict
-- 'index etag', with no etag where there is no record; where Redis refused, its error.
--
-- A record is a hash of `value`, `etag` and, if it expires, `expires`: in milliseconds of this
-- server's clock, at which Redis expires the key as well.

local FAR = '9000000000000000'

local words_read, keys_read = 0, 0
local time
-- Within a transaction: what its operations have made of each key so far. '' as etag: absent.
local staged

local function word()
  words_read = words_read + 1
  return ARGV[words_read]
end

local function next_key()
  keys_read = keys_read + 1
  return KEYS[keys_read]
end

local function now()
  if not time then
    local clock = redis.call('TIME')
    time = clock[1] * 1000 + math.floor(clock[2] / 1000)
  end
  return time
end

local function expiry(ttl, kept)
  if ttl == '' then return nil end
  if ttl == 'keep' then return kept end
  return now() + tonumber(ttl)
end

-- The etag of a key, '' if there is none, and when it expires.
local function find(key)
  local stage = staged and staged[key]
  if stage then return stage.etag, stage.expires end
  local found = redis.call('HMGET', key, 'etag', 'expires')
  local etag, expires = found[1], tonumber(found[2])
  if not etag then
    if redis.call('EXISTS', key) == 0 then return '' end
    error({err = 'WRONGTYPE a hash without the field `etag`'})
  end
  if expires and expires <= now() then
    redis.call('DEL', key)
    return ''
  end
  return etag, expires
end

local function write_expiry(key, expires)
  if expires then
    local moment = string.format('%.0f', expires)
    redis.call('HSET', key, 'expires', moment)
    redis.call('PEXPIREAT', key, moment)
  else
    redis.call('HDEL', key, 'expires')
    redis.call('PERSIST', key)
  end
end

-- WAIT waits for what its own connection wrote. A record that is found as it should be may not be
-- on the replicas yet, so it goes to them once more, as a change of nothing.
local function repeat_expiry(key, expires)
  redis.call('PEXPIREAT', key, expires and string.format('%.0f', expires) or FAR)
  if not expires then redis.call('PERSIST', key) end
end

-- If Redis refuses to write (out of memory, say) it does so at the first command: HSET comes first.
local function write_through(key, etag, value, expires, expired_before)
  if etag == '' then
    redis.call('DEL', key)
    return
  end
  if value then redis.call('HSET', key, 'value', value, 'etag', etag) end
  if expires ~= expired_before then
    write_expiry(key, expires)
  elseif not value then
    repeat_expiry(key, expires)
  end
end

-- Give a key a record, or none where etag is ''. Without a value the one that is there stays.
local function put(key, etag, value, expires, expired_before)
  if not staged then return write_through(key, etag, value, expires, expired_before) end
  local stage = staged[key] or {expired_before = expired_before}
  stage.etag, stage.expires = etag, expires
  stage.value = value or stage.value
  staged[key] = stage
end

local function conflicts(expected, etag)
  return expected ~= '' and expected ~= '=' .. etag
end

local function conflict(index, etag)
  return index .. ' ' .. etag
end

local operations = {}

function operations.write(index)
  local key, expected, new, ttl, value = next_key(), word(), word(), word(), word()
  local etag, expires = find(key)
  if etag == new then
    put(key, etag, nil, expires, expires)
    return 1
  end
  if conflicts(expected, etag) then return conflict(index, etag) end
  put(key, new, value, expiry(ttl, expires), expires)
  return 1
end

function operations.remove(index)
  local key, expected = next_key(), word()
  local etag, expires = find(key)
  if conflicts(expected, etag) then return conflict(index, etag) end
  if etag == '' then return 0 end
  put(key, '', nil, nil, expires)
  return 1
end

function operations.touch(index)
  local key, expected, ttl = next_key(), word(), word()
  local etag, expires = find(key)
  if conflicts(expected, etag) then return conflict(index, etag) end
  if etag == '' then return 0 end
  put(key, etag, nil, expiry(ttl), expires)
  return 1
end

local function attempt(kind, index)
  local done, outcome = pcall(operations[kind], index)
  if done or type(outcome) == 'table' then return outcome end
  return {err = outcome}
end

function operations.transaction()
  local outcomes, failed = {}, nil
  staged = {}
  for index = 1, tonumber(word()) do
    outcomes[index] = attempt(word(), index - 1)
    if type(outcomes[index]) ~= 'number' then failed = failed or outcomes[index] end
  end
  local changes = staged
  staged = nil
  if failed then return failed end
  for key, stage in pairs(changes) do
    write_through(key, stage.etag, stage.value, stage.expires, stage.expired_before)
  end
  return outcomes
end

local outcomes = {}
while words_read < #ARGV do
  outcomes[#outcomes + 1] = attempt(word(), 0)
end
return outcomes
