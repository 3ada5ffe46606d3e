// What passes through the platform's crypto and storage after the module has loaded.
() => {
  window.seen = [];
  for (const name of Object.getOwnPropertyNames(SubtleCrypto.prototype)) {
    const own = Object.getOwnPropertyDescriptor(SubtleCrypto.prototype, name);
    if (typeof own.value !== 'function' || name === 'constructor') continue;
    const real = own.value;
    SubtleCrypto.prototype[name] = function (...given) {
      const keys = given.filter(one => one instanceof CryptoKey);
      window.seen.push(...keys.map(one => `${name} ${one.type}`));
      return Reflect.apply(real, this, given);
    };
  }
}
