// The tab goes away when the server has answered a log-in and before its key took its place.
() => {
const real = IDBObjectStore.prototype.delete;
IDBObjectStore.prototype.delete = function (what) {
  if (what instanceof IDBKeyRange) throw new DOMException('gone', 'AbortError');
  return real.call(this, what);
};
}
