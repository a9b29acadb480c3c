// An operation as a command to copy: the key from the environment, the example of the document as the body.

const KEY = '-H "Authorization: Bearer $VALENCE_API_KEY"';
const COOKIES = '-b cookies.txt -c cookies.txt -H "Valence-Request: 1"';

/** The command, one option a line. */
export function curl(operation, origin) {
  const method = operation.method === "get" ? "" : ` -X ${operation.method.toUpperCase()}`;
  const options = [who(operation), ...body(operation)].filter(Boolean);
  const address = `"${origin}${operation.path.replaceAll(/\{(\w+)\}/g, (_, name) => `$${name.toUpperCase()}`)}"`;
  return [`curl${stream(operation) ? " -N" : ""}${method} ${address}`, ...options].join(" \\\n  ");
}

function who({ security }) {
  if (security.some((way) => way.key)) return KEY;
  return security.length ? COOKIES : null;
}

const stream = ({ responses }) => Boolean(responses[200]?.content?.["text/event-stream"]);

function body({ requestBody, security }) {
  const [type, content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  if (!type) return [];
  if (type !== "application/json") return ["--data-binary @talk.mp4", `-H "Content-Type: ${type}"`];
  const cookies = security.length ? [] : ["-c cookies.txt"];
  return [...cookies, '-H "Content-Type: application/json"', `-d '${JSON.stringify(content.example).replaceAll("'", "'\\''")}'`];
}
