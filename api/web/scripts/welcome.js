// Before anybody is signed in: what Valence is, and the way in.

import { fill, h, s, say, uniqueId } from "./dom.js";
import { mark } from "./icons.js";
import { riverBands } from "./river_shape.js";
import { entitle, go } from "./router.js";
import { EXAMPLE, EXAMPLE_SECONDS } from "./example.js";
import { ask } from "./server.js";
import { signedIn } from "./session.js";
import { mouth } from "./feelings.js";
import { text } from "./text.js";

/** How a link that was mailed ends: in the fragment, which no server sees. */
export const RESET_LINK = /^#reset=(.+)$/;
const WIDTH = 1000;
const HEIGHT = 300;

/** Make an account. */
export function signUpView(main) {
  entitle(text.titles.signUp);
  const fields = [emailField("username"), passwordField("new-password", text.welcome.passwordHint)];
  const send = async ([email, password]) => enter(await ask("POST", "/v1/accounts", { email, password }));
  const aside = h("p", { class: "small quiet" }, `${text.welcome.toSignIn} `, h("a", { href: `/sign-in${location.hash}` }, text.welcome.signIn));
  welcome(main, form(text.welcome.signUp, fields, send, aside));
}

/** Sign in, and go on to where one wanted to be. */
export function signInView(main) {
  entitle(text.titles.signIn);
  const fields = [emailField("username"), passwordField("current-password")];
  const send = async ([email, password]) => enter(await ask("POST", "/v1/session", { email, password }));
  const aside = h(
    "div",
    { class: "form small quiet" },
    h("p", {}, `${text.welcome.toSignUp} `, h("a", { href: "/sign-up" }, text.welcome.signUp)),
    h("p", {}, h("a", { href: "/reset" }, text.welcome.forgot)),
  );
  welcome(main, form(text.welcome.signIn, fields, send, aside));
}

/** Ask for a link by mail; with the link's token in the address, set a new password. */
export function resetView(main) {
  entitle(text.titles.reset);
  const token = RESET_LINK.exec(location.hash)?.[1];
  const done = h("p", { class: "notice", role: "status", hidden: true });
  const tell = (words) => {
    done.textContent = words;
    done.hidden = false;
  };
  const aside = h("div", { class: "form small quiet" }, done, h("p", {}, h("a", { href: "/sign-in" }, text.welcome.signIn)));
  if (token) {
    const send = async ([password]) => {
      await ask("PUT", "/v1/password-resets", { token, new_password: password });
      history.replaceState(null, "", "/reset");
      tell(text.welcome.passwordSet);
    };
    welcome(main, form(text.welcome.setPassword, [passwordField("new-password", text.welcome.passwordHint)], send, aside));
  } else {
    const send = async ([email]) => {
      await ask("POST", "/v1/password-resets", { email });
      tell(text.welcome.linkSent);
    };
    welcome(main, form(text.welcome.sendLink, [emailField("username")], send, aside, text.welcome.forgotLead));
  }
}

async function enter({ account }) {
  const wanted = decodeURIComponent(location.hash.slice(1));
  signedIn(account);
  // A path of this page and nothing else: "//" would begin another host.
  await go(/^\/(?!\/)/.test(wanted) ? wanted : "/", { replace: true });
}

function welcome(main, way) {
  main.classList.add("welcome");
  fill(
    main,
    h("div", { class: "welcome-words" }, h("p", { class: "brand" }, mark(), text.name), h("h1", { class: "claim" }, text.welcome.heading), h("p", { class: "lead" }, text.welcome.lead)),
    h("div", { class: "welcome-way" }, way),
    example(),
  );
}

/** The river of the sample's script, with some of its lines: a picture of what comes out. */
function example() {
  const bands = riverBands(EXAMPLE, EXAMPLE_SECONDS, WIDTH, HEIGHT);
  const paths = bands.map(({ emotion, path }) => s("path", { class: "band", d: path, "data-emotion": emotion }));
  const lines = EXAMPLE.filter(({ shown }) => shown).map(({ start, end, text: words, mood }) => {
    const line = h("span", { class: "example-line", "data-emotion": mood }, mouth(mood), h("span", {}, `“${words}”`));
    line.style.setProperty("--at", String((start + end) / 2 / EXAMPLE_SECONDS));
    return line;
  });
  return h(
    "figure",
    { class: "example" },
    h("div", { class: "example-lines" }, lines),
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" }, paths),
    h("figcaption", { class: "small quiet" }, text.welcome.example),
  );
}

function form(label, fields, send, aside, lead = null) {
  const complaint = h("p", { class: "notice", "data-kind": "wrong", role: "alert", hidden: true });
  const button = h("button", { class: "button", "data-kind": "main", "data-size": "large" }, label);
  fields[0].input.toggleAttribute("data-first", true); // whoever comes here comes to type
  const element = h("form", { class: "form" }, h("h2", { class: "visually-hidden" }, label), lead && h("p", { class: "quiet" }, lead), fields.map((field) => field.element), complaint, button, aside);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    complaint.hidden = true;
    try {
      await send(fields.map((field) => field.input.value));
    } catch (error) {
      say(complaint, error.message);
      complaint.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
  return element;
}

function emailField(autocomplete) {
  return field(text.welcome.email, { type: "email", autocomplete, required: true, maxlength: 254 });
}

function passwordField(autocomplete, hint = null) {
  return field(text.welcome.password, { type: "password", autocomplete, required: true, minlength: hint ? 8 : null, maxlength: 128 }, hint);
}

function field(label, attributes, hint = null) {
  const [id, hintId] = [uniqueId(), uniqueId()];
  const input = h("input", { id, ...attributes, "aria-describedby": hint ? hintId : null });
  const element = h("div", { class: "field" }, h("label", { for: id }, label), input, hint && h("p", { class: "hint", id: hintId }, hint));
  return { element, input };
}
