// What Node 20 lacks of the language and its library, and is used here.

Promise.withResolvers ??= function () {
  const settle = {};
  const promise = new this((resolve, reject) => Object.assign(settle, { resolve, reject }));
  return { promise, ...settle };
};

ArrayBuffer.prototype.transfer ??= function (length = this.byteLength) {
  const whole = structuredClone(this, { transfer: [this] });
  if (length === whole.byteLength) return whole;
  const other = new ArrayBuffer(length);
  new Uint8Array(other).set(new Uint8Array(whole, 0, Math.min(length, whole.byteLength)));
  return other;
};

Map.groupBy ??= function (items, keyOf) {
  const groups = new Map();
  let index = 0;
  for (const item of items) {
    const key = keyOf(item, index++);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
};

URL.parse ??= function (url, base) {
  return URL.canParse(url, base) ? new URL(url, base) : null;
};
