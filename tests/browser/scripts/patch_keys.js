// Replaces the methods of a key, and of all that it inherits from: a key can be had from a module
// that any script can import.
async () => {
  window.handed = [];
  const { makePendingKey } = await import('/static/js/dpop.js');
  const key = await makePendingKey();
  for (let owner = key; owner; owner = Object.getPrototypeOf(owner)) {
    for (const name of ['prove', 'promote', 'discard']) {
      const real = key[name];
      Reflect.set(owner, name, function (...given) {
        window.handed.push(name, ...given);
        return real.apply(this, given);
      });
    }
  }
  return key.prove('GET', '/', '');
}
