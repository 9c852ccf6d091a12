// The default size set by sharp, from originals that are in memory, as most people write it: a pipeline a rendition, so a decode each.
// What bench/compare holds the engine against.
//
// usage: UV_THREADPOOL_SIZE=1 node sharp.mjs FOLDER|- FILE...
//   FOLDER  where renditions are written as {file}.{size}.jpg; -: nowhere
//
// Huffman tables are the standard's, as in the engine. Prints one JSON object: tool, n, CPU and wall milliseconds per original, bytes of an
// original's renditions, peak memory in MiB. The first original is made twice before.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import sharp from 'sharp';

const SIZES = {
  or: [1280, 1280, { fit: 'inside', withoutEnlargement: true }],
  sq: [320, 320, { fit: 'cover' }],
  ve: [480, 640, { fit: 'cover' }],
  ho: [640, 360, { fit: 'cover' }],
};
const JPEG = { quality: 82, mozjpeg: false, optimiseCoding: false };

const [folder, ...files] = process.argv.slice(2);
sharp.concurrency(1);
sharp.cache(false);

async function make(file, original, into) {
  let bytes = 0;
  for (const [size, [width, height, how]] of Object.entries(SIZES)) {
    const jpeg = await sharp(original).rotate().resize(width, height, how).jpeg(JPEG).toBuffer();
    bytes += jpeg.length;
    if (into !== '-') writeFileSync(join(into, `${basename(file)}.${size}.jpg`), jpeg);
  }
  return bytes;
}

const originals = files.map((file) => [file, readFileSync(file)]);
for (const _ of [1, 2]) await make(...originals[0], '-');
const [cpuBefore, wallBefore] = [process.cpuUsage(), performance.now()];
let bytes = 0;
for (const [file, original] of originals) bytes += await make(file, original, folder);
const [cpu, wall] = [process.cpuUsage(cpuBefore), performance.now() - wallBefore];
const each = (sum, digits = 2) => Number((sum / originals.length).toFixed(digits));
console.log(JSON.stringify({
  tool: `sharp ${sharp.versions.sharp}`,
  n: originals.length,
  cpu_ms: each((cpu.user + cpu.system) / 1000),
  wall_ms: each(wall),
  bytes: each(bytes, 0),
  rss_mib: Math.round(process.resourceUsage().maxRSS / 1024),
}));
