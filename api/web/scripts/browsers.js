// What to call a browser, by what it says of itself.

const BROWSERS = [[/Edg\//, "Edge"], [/Firefox\//, "Firefox"], [/Chrome\//, "Chrome"], [/Safari\//, "Safari"]];
const SYSTEMS = [[/Windows/, "Windows"], [/Android/, "Android"], [/iPhone|iPad/, "iOS"], [/Mac OS/, "macOS"], [/Linux/, "Linux"]];

/** The name of a browser and of its system, from its User-Agent; null where that names no browser that is known. */
export function browserName(agent) {
  const first = (table) => table.find(([pattern]) => pattern.test(agent))?.[1];
  const browser = first(BROWSERS);
  return browser ? [browser, first(SYSTEMS)].filter(Boolean).join(" · ") : null;
}
