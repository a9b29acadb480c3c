// The shape of the river: seven bands over time as SVG paths. Pure arithmetic, nothing of the document.
//
// Neutral lies in the middle; what is light rises above it, what is dark sinks below it, so the river leans as the feeling does. Where
// nobody speaks there is nothing to feel, and it narrows.

import { EMOTIONS, leaning } from "./feelings.js";
import { text } from "./text.js";

const BELOW = ["sadness", "fear", "disgust", "anger"];
const ABOVE = ["surprise", "joy"];
/** What is left of the river in silence, as a share of its full width. */
const THIN = 0.05;
/** A pause so long, in seconds, is silence; shorter ones narrow it less. */
const SILENCE_SECONDS = 2;
/** More utterances than this are drawn as means over stretches of time: an eye cannot tell more apart. */
const MOST_STATIONS = 240;
/** Half of a letter of a band's name, as a share of the river's width where it is drawn with names. */
const LETTER_SHARE = 0.005;

/** The bands of a river: `[{emotion, path, widest: {x, y, height}}]`, in the order of EMOTIONS. */
export function riverBands(utterances, seconds, width, height) {
  const stations = stationsOf(utterances, seconds);
  if (!stations.length) return [];
  const layers = stations.map(({ at, flow, shares }) => ({ x: (at / seconds) * width, edges: edgesOf(flow, shares) }));
  const top = Math.max(0.05, ...layers.map(({ edges }) => edges.joy[0]));
  const bottom = Math.min(-0.05, ...layers.map(({ edges }) => edges.anger[1]));
  const scale = height / (top - bottom);
  const y = (value) => (top - value) * scale;
  return EMOTIONS.map((emotion) => {
    const upper = layers.map(({ x, edges }) => [x, y(edges[emotion][0])]);
    const lower = layers.map(({ x, edges }) => [x, y(edges[emotion][1])]);
    return { emotion, path: `${curve(upper)}L${point(lower.at(-1))}${curve([...lower].reverse()).slice(1 + point(lower.at(-1)).length)}Z`, widest: widest(upper, lower, text.emotions[emotion].length * LETTER_SHARE * width, width) };
  });
}

/** The line of the sentiment, -1 at the bottom to 1 at the top, as a path. */
export function sentimentLine(utterances, seconds, width, height) {
  const stations = stationsOf(utterances, seconds);
  return curve(stations.map(({ at, flow, leans }) => [(at / seconds) * width, (height * (1 - leans * flow)) / 2]));
}

/** The points in time that the river is drawn through: how full it flows, 0 to 1, and what it consists of. */
function stationsOf(utterances, seconds) {
  if (!utterances.length) return [];
  const spoken = utterances.length > MOST_STATIONS ? stretches(utterances, seconds) : utterances.flatMap(ofUtterance);
  const stations = [];
  let silentSince = 0;
  for (const station of spoken) {
    const before = stations.at(-1);
    const gap = station.from - silentSince;
    if (stations.length && gap > 0.1) {
      const quiet = { flow: Math.max(THIN, 1 - gap / SILENCE_SECONDS), shares: mix(before.shares, station.shares), leans: (before.leans + station.leans) / 2 };
      // A long silence is a thin stretch and not one thin point.
      const points = gap > 2 * SILENCE_SECONDS ? [silentSince + 1, station.from - 1] : [silentSince + gap / 2];
      for (const at of points) stations.push({ ...quiet, at });
    }
    stations.push(station);
    silentSince = station.to;
  }
  const [first, last] = [stations[0], stations.at(-1)];
  return [{ ...first, at: 0, flow: THIN }, ...stations, { ...last, at: seconds, flow: THIN }];
}

function ofUtterance({ start, end, scores }) {
  const margin = Math.min(1.6, (end - start) * 0.42); // the river swells and falls within what is said, and is level in its middle
  const station = { flow: 1, shares: scores.emotions, leans: leaning(scores) };
  return [{ ...station, at: start + margin, from: start, to: end - margin }, { ...station, at: end - margin, from: end - margin, to: end }];
}

function stretches(utterances, seconds) {
  const length = seconds / MOST_STATIONS;
  const found = [];
  for (let place = 0; place < MOST_STATIONS; place += 1) {
    const [from, to] = [place * length, (place + 1) * length];
    const inside = utterances.map((one) => [one, Math.min(one.end, to) - Math.max(one.start, from)]).filter(([, overlap]) => overlap > 0);
    const spoken = inside.reduce((sum, [, overlap]) => sum + overlap, 0);
    if (!spoken) continue;
    const shares = Object.fromEntries(EMOTIONS.map((name) => [name, inside.reduce((sum, [one, overlap]) => sum + one.scores.emotions[name] * overlap, 0) / spoken]));
    const leans = inside.reduce((sum, [one, overlap]) => sum + leaning(one.scores) * overlap, 0) / spoken;
    found.push({ at: (from + to) / 2, flow: Math.max(THIN, Math.min(1, spoken / length)), shares, leans, from, to });
  }
  return found;
}

const mix = (one, other) => Object.fromEntries(EMOTIONS.map((name) => [name, (one[name] + other[name]) / 2]));

/** The upper and lower edge of each band, around the middle of neutral. */
function edgesOf(flow, shares) {
  const half = (flow * shares.neutral) / 2;
  const edges = { neutral: [half, -half] };
  let upper = half;
  for (const name of ABOVE) {
    edges[name] = [upper + flow * shares[name], upper];
    [upper] = edges[name];
  }
  let lower = -half;
  for (const name of BELOW) {
    edges[name] = [lower, lower - flow * shares[name]];
    [, lower] = edges[name];
  }
  return edges;
}

/** Where a band has most room for its name: the middle of the highest place that is as wide as a name and lies within the band. */
function widest(upper, lower, half, width) {
  let best = { x: 0, y: 0, height: -Infinity };
  for (let x = half; x <= width - half; x += half / 4) {
    const around = [x - half, x, x + half];
    const top = Math.max(...around.map((at) => edgeAt(upper, at)));
    const bottom = Math.min(...around.map((at) => edgeAt(lower, at)));
    if (bottom - top > best.height) best = { x, y: (top + bottom) / 2, height: bottom - top };
  }
  return best;
}

/** The height of an edge at a place, between the points that it is drawn through. */
function edgeAt(points, x) {
  const next = Math.max(1, points.findIndex(([at]) => at >= x));
  const [[fromX, fromY], [toX, toY]] = [points[next - 1], points[next]];
  const way = toX > fromX ? Math.min(1, Math.max(0, (x - fromX) / (toX - fromX))) : 1;
  return fromY + (toY - fromY) * way * way * (3 - 2 * way);
}

const point = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;

/** A curve through points that is level at each: it never runs past them. */
function curve(points) {
  let path = `M${point(points[0])}`;
  for (let place = 1; place < points.length; place += 1) {
    const [[fromX, fromY], [x, y]] = [points[place - 1], points[place]];
    const middle = (fromX + x) / 2;
    path += `C${point([middle, fromY])} ${point([middle, y])} ${point([x, y])}`;
  }
  return path;
}
