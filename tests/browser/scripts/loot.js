// All text that script of the page can get at: storage, databases, caches, cookies, the
// document, what the platform remembers, and every object that hangs on a global or a module.
async () => {
  const found = [];
  const seen = new Set();
  const walk = (value, depth) => {
    if (typeof value === 'string') found.push(value);
    if (value === null || !['object', 'function'].includes(typeof value)) return;
    if (seen.has(value) || depth > 6) return;
    seen.add(value);
    if (typeof value === 'function') found.push(Function.prototype.toString.call(value));
    for (const key of Reflect.ownKeys(value)) {
      found.push(String(key));
      try { walk(value[key], depth + 1); } catch {}
    }
    try { if (value instanceof Map || value instanceof Set) walk([...value], depth + 1); } catch {}
  };
  walk({ ...localStorage }, 0);
  walk({ ...sessionStorage }, 0);
  walk((await indexedDB.databases()).map(({ name }) => name), 0);
  for (const name of await caches.keys()) {
    found.push(name);
    const cache = await caches.open(name);
    for (const answer of await cache.matchAll()) found.push(await answer.text());
  }
  for await (const name of (await navigator.storage.getDirectory()).keys()) found.push(name);
  walk([document.cookie, await cookieStore.getAll()], 0);
  walk([document.documentElement.outerHTML, document.referrer, location.href, name], 0);
  walk([history.state, performance.getEntries().map(entry => entry.toJSON())], 0);
  for (const field of document.querySelectorAll('input')) found.push(field.value);
  for (const { name } of performance.getEntriesByType('resource')) {
    if (new URL(name).pathname.startsWith('/static/js/')) walk(await import(name), 0);
  }
  walk(globalThis, 0);
  return found.join('\n');
}
