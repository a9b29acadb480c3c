// MD5 (RFC 1321): the digest by which S3 checks a part that comes straight from here, and the only one that browsers do not have.

const BLOCK = 64;
const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
/** Which word of a block a step takes: so many times its number, from there on. */
const PLACES = [1, 5, 3, 7];
const FIRST_PLACES = [0, 1, 5, 0];
const SINES = Int32Array.from({ length: 64 }, (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32));
const START = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];

/** The digest of an ArrayBuffer as 16 bytes. */
export function md5(content) {
  const state = Int32Array.from(START);
  const whole = content.byteLength - (content.byteLength % BLOCK);
  digest(state, new DataView(content, 0, whole));
  digest(state, padded(new Uint8Array(content, whole), content.byteLength));
  const bytes = new DataView(new ArrayBuffer(16));
  state.forEach((word, place) => bytes.setInt32(4 * place, word, true));
  return new Uint8Array(bytes.buffer);
}

/** What is left after the whole blocks, brought to whole blocks: a one, zeros, and how many bits there were. */
function padded(rest, length) {
  const blocks = new DataView(new ArrayBuffer(rest.length < BLOCK - 8 ? BLOCK : 2 * BLOCK));
  new Uint8Array(blocks.buffer).set([...rest, 0x80]);
  blocks.setBigUint64(blocks.byteLength - 8, BigInt(length) * 8n, true);
  return blocks;
}

/** Takes whole blocks in. Nothing is made within its loops: a part has millions of steps. */
function digest(state, blocks) {
  const words = new Int32Array(16);
  for (let start = 0; start < blocks.byteLength; start += BLOCK) {
    for (let place = 0; place < 16; place += 1) words[place] = blocks.getInt32(start + 4 * place, true);
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    for (let step = 0; step < 64; step += 1) {
      const round = step >> 4;
      const mixed = round === 0 ? (b & c) | (~b & d) : round === 1 ? (d & b) | (~d & c) : round === 2 ? b ^ c ^ d : c ^ (b | ~d);
      const place = (PLACES[round] * step + FIRST_PLACES[round]) & 15;
      const sum = (a + mixed + SINES[step] + words[place]) | 0;
      const shift = SHIFTS[4 * round + (step & 3)];
      a = d;
      d = c;
      c = b;
      b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
  }
}
