// Replaces every method script can replace by one that looks at what passes.
() => {
  window.leaks = [];
  const { apply, ownKeys, getOwnPropertyDescriptor, defineProperty } = Reflect;
  const { stringify } = JSON, { exec } = RegExp.prototype;
  const token = /eyJ[\w-]+\.eyJ[\w-]+/;
  let busy = false;
  const look = (where, value) => {
    if (busy) return;
    busy = true;
    try {
      const text = typeof value === 'string' ? value
        : value instanceof Headers ? stringify([...value]) : stringify(value);
      if (text && apply(exec, token, [text])) window.leaks[window.leaks.length] = where;
    } catch {}
    busy = false;
  };
  const spy = (owner, name, where) => {
    const own = getOwnPropertyDescriptor(owner, name);
    if (!own?.configurable || typeof own.value !== 'function' || name === 'constructor') return;
    const real = own.value;
    defineProperty(owner, name, { ...own, value: function (...given) {
      look(where, this);
      for (let i = 0; i < given.length; i += 1) look(where, given[i]);
      const back = apply(real, this, given);
      look(where, back);
      return back;
    } });
  };
  for (const kind of ['Headers', 'Response', 'Request', 'Promise', 'Function', 'Object', 'Array',
    'String', 'URL', 'AbortSignal', 'LockManager', 'Map', 'Set', 'Storage', 'BroadcastChannel',
    'TextEncoder', 'SubtleCrypto', 'IDBFactory', 'IDBObjectStore']) {
    for (const name of ownKeys(window[kind].prototype)) {
      spy(window[kind].prototype, name, `${kind}.${String(name)}`);
    }
  }
  for (const name of ['fetch', 'setTimeout', 'postMessage', 'structuredClone']) {
    spy(window, name, name);
  }
  spy(JSON, 'parse', 'JSON.parse');
  spy(JSON, 'stringify', 'JSON.stringify');
  spy(Object, 'assign', 'Object.assign');
  spy(Object, 'freeze', 'Object.freeze');
  for (const name of ['access_token', 'authorization', 'Authorization', 'headers', 'then']) {
    defineProperty(Object.prototype, name, {
      configurable: true,
      get() { look(`Object.prototype.${name}`, this); return undefined; },
      set(value) {
        look(`Object.prototype.${name}`, value);
        const plain = { writable: true, enumerable: true, configurable: true };
        defineProperty(this, name, { value, ...plain });
      },
    });
  }
}
