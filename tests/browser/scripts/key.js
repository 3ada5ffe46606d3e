// What script can learn of this browser's key: its thumbprint, and what an export gives.
async () => {
  const done = request => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await done(indexedDB.open('latchkey'));
  const store = database.transaction('keys').objectStore('keys');
  const all = await done(store.getAll());
  database.close();
  const [{ publicKey, privateKey }] = all;
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  const members = new TextEncoder().encode(JSON.stringify({ crv, kty, x, y }));
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', members));
  const tries = ['jwk', 'pkcs8', 'raw', 'spki'].map(format =>
    crypto.subtle.exportKey(format, privateKey).then(() => 'exported', error => error.name));
  return {
    count: all.length,
    jkt: hash.toBase64({ alphabet: 'base64url', omitPadding: true }),
    extractable: privateKey.extractable,
    exports: [...new Set(await Promise.all(tries))],
  };
}
