"use strict";

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 2000;
const SILENT_MS = 5000; // without any message; after that the page reconnects
const FROZEN_FRAMES = 2;

const find = (id) => document.getElementById(id);

/** Decode a view from the server; `encode_view` in encoding.py defines its format. */
async function readView(buffer) {
  const sizes = new DataView(buffer);
  const picture = 8 + sizes.getUint32(0);
  const probability = picture + sizes.getUint32(4);
  const view = JSON.parse(new TextDecoder().decode(buffer.slice(8, picture)));
  const jpeg = (from, to) => createImageBitmap(new Blob([buffer.slice(from, to)], { type: "image/jpeg" }));
  [view.picture, view.probability] = await Promise.all([jpeg(picture, probability), jpeg(probability)]);
  return view;
}

/** A picture with the outline and the heat map over it. */
class Pane {
  constructor() {
    this.element = find("pane").content.firstElementChild.cloneNode(true);
    [this.picture, this.heat] = this.element.querySelectorAll("canvas");
    this.outline = this.element.querySelector("svg");
    this.view = null;
  }

  show(view) {
    this.view = view;
    draw(this.picture, view.picture);
    this.outline.setAttribute("viewBox", `0 0 ${view.width} ${view.height}`);
    this.outline.firstElementChild.setAttribute("d", view.outlines.map((points) => `M${points.join(" ")}Z`).join(""));
    this.showHeat();
  }

  showHeat() {
    if (this.view === null || document.body.dataset.overlay !== "heat") {
      return;
    }
    const context = draw(this.heat, this.view.probability, { willReadFrequently: true });
    const pixels = context.getImageData(0, 0, this.heat.width, this.heat.height);
    for (let i = 0; i < pixels.data.length; i += 4) {
      const probability = pixels.data[i];
      pixels.data.set([255, 255 - probability, 0, probability], i);
    }
    context.putImageData(pixels, 0, 0);
  }
}

function draw(canvas, bitmap, options) {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  const context = canvas.getContext("2d", options);
  context.drawImage(bitmap, 0, 0);
  return context;
}

const live = new Pane();
const frozen = []; // panes, the oldest first
let connected = false;
let isFrozen = false; // whether the live picture is frozen
let pendingSnapshots = 0; // requests for snapshots without an answer yet
let state = "";
let acknowledgeViews = () => {}; // asks the server for a new view for each one received

/** Change text only where it differs, so that a screen reader reads it once. */
function write(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

function showState() {
  const text = isFrozen && live.view ? `frozen: ${live.view.state}` : state;
  write(find("state"), connected ? text : "not connected; trying again");
  find("state").classList.toggle("away", !connected || state.startsWith("waiting"));
  find("record").disabled = !connected;
  find("freeze").disabled = live.view === null;
  find("snapshot").disabled = live.view === null;
}

function showStatus(status) {
  state = status.state;
  const texts = {
    latency_ms_p50: `${status.latency_ms_p50} ms`,
    latency_ms_p99: `${status.latency_ms_p99} ms`,
    fps: String(status.fps),
    dropped: String(status.dropped),
    model: status.model,
    device: status.device,
  };
  for (const [id, text] of Object.entries(texts)) {
    write(find(id), text);
  }
  find("record").setAttribute("aria-pressed", String(status.recording !== null));
  if (status.failure !== null) {
    write(find("message"), status.failure);
  }
  showRecordings(status.recordings);
  showState();
}

function showRecordings(names) {
  find("recordings").hidden = names.length === 0;
  const list = find("recordings").querySelector("ul");
  const shown = [...list.querySelectorAll("a")].map((link) => link.textContent);
  if (shown.join() === names.join()) {
    return;
  }
  list.replaceChildren(
    ...names.map((name) => {
      const link = document.createElement("a");
      link.href = `recordings/${encodeURIComponent(name)}`;
      link.download = name;
      link.textContent = name;
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
}

function connect(delay = FIRST_RETRY_MS) {
  const socket = new WebSocket(new URL("stream", location.href.replace(/^http/, "ws")));
  let newest = -1;
  let unacknowledged = 0;
  let timeout;
  socket.binaryType = "arraybuffer";
  const reconnect = () => {
    clearTimeout(timeout);
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    connected = false;
    showState();
    setTimeout(connect, delay, Math.min(2 * delay, LAST_RETRY_MS));
  };
  const restartTimeout = () => {
    clearTimeout(timeout);
    timeout = setTimeout(reconnect, SILENT_MS);
  };
  const acknowledge = () => {
    if (isFrozen || pendingSnapshots > 0 || document.hidden) {
      return;
    }
    for (; unacknowledged > 0 && socket.readyState === WebSocket.OPEN; unacknowledged -= 1) {
      socket.send("");
    }
  };
  socket.onopen = () => {
    connected = true;
    delay = FIRST_RETRY_MS;
    acknowledgeViews = acknowledge;
    write(find("message"), "");
  };
  socket.onmessage = async ({ data }) => {
    restartTimeout();
    if (typeof data === "string") {
      showStatus(JSON.parse(data));
      return;
    }
    try {
      const view = isFrozen || document.hidden ? null : await readView(data);
      if (view !== null && !isFrozen && view.frame > newest) {
        newest = view.frame;
        const before = live.view;
        live.show(view);
        write(find("area"), view.area);
        write(find("diameter"), view.diameter);
        if (before !== null && !before.kept) {
          before.picture.close();
          before.probability.close();
        }
        if (find("freeze").disabled) {
          showState();
        }
      }
    } finally {
      // A view that cannot be shown counts as well: without its answer, the server would send no more.
      unacknowledged += 1;
      acknowledge();
    }
  };
  socket.onclose = reconnect;
  restartTimeout();
}

/** Send a request to the server; the page shows an error. */
async function request(path, method = "GET") {
  write(find("message"), "");
  try {
    const response = await fetch(path, { method });
    if (!response.ok) {
      throw new Error(await response.text());
    }
    return await response.blob();
  } catch (error) {
    write(find("message"), error.message);
    return null;
  }
}

/** Return a view's snapshot as ZIP; acknowledging views waits for it, because the server keeps only the latest. */
function snapshotOf(view) {
  if (view.snapshot === undefined) {
    pendingSnapshots += 1;
    view.snapshot = request(`snapshot/${view.frame}`)
      .then((snapshot) => {
        if (snapshot === null) {
          view.snapshot = undefined; // so that the next click asks again
        }
        return snapshot;
      })
      .finally(() => {
        pendingSnapshots -= 1;
        acknowledgeViews();
      });
  }
  return view.snapshot;
}

async function save(view) {
  const snapshot = await snapshotOf(view);
  if (snapshot === null) {
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(snapshot);
  link.download = `aernet-${String(view.frame).padStart(6, "0")}.zip`;
  link.click();
  setTimeout(URL.revokeObjectURL, 60000, link.href);
}

function button(text, label, onclick) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = text;
  element.setAttribute("aria-label", label);
  element.onclick = onclick;
  return element;
}

/** Show a frozen view beside the previous one. */
function keep(view) {
  view.kept = true;
  snapshotOf(view);
  const pane = new Pane();
  const name = `frame ${view.frame}`;
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  caption.textContent = `Frame ${view.frame}, ${view.seconds.toFixed(1)} s: ${view.state}`;
  if (view.area !== "-") {
    caption.textContent += `, ${view.area}, ${view.diameter}`;
  }
  pane.element.setAttribute("aria-label", `Frozen ${name}: ${view.state}`);
  const remove = () => {
    frozen.splice(frozen.indexOf(pane), 1);
    figure.remove();
    find("frozen").hidden = frozen.length === 0;
    find("freeze").focus();
  };
  figure.append(
    pane.element,
    caption,
    button("Save", `Save ${name}`, () => save(view)),
    button("Remove", `Remove ${name}`, remove),
  );
  pane.show(view);
  frozen.push(pane);
  find("frozen").querySelector(".pair").append(figure);
  find("frozen").hidden = false;
  if (frozen.length > FROZEN_FRAMES) {
    frozen.shift().element.parentElement.remove();
  }
}

find("freeze").onclick = () => {
  isFrozen = !isFrozen;
  find("freeze").setAttribute("aria-pressed", String(isFrozen));
  if (isFrozen) {
    keep(live.view);
  }
  showState();
  acknowledgeViews();
};

find("snapshot").onclick = () => save(live.view);

async function toggleRecording() {
  const running = find("record").getAttribute("aria-pressed") === "true";
  if ((await request("recording", running ? "DELETE" : "POST")) !== null) {
    find("record").setAttribute("aria-pressed", String(!running));
  }
}

let recordingToggled = Promise.resolve();

find("record").onclick = () => {
  // A second click waits for what the first has changed.
  recordingToggled = recordingToggled.then(toggleRecording);
};

for (const choice of document.getElementsByName("overlay")) {
  choice.onchange = () => {
    document.body.dataset.overlay = choice.value;
    for (const pane of [live, ...frozen]) {
      pane.showHeat();
    }
  };
}

find("opacity").oninput = () => {
  document.documentElement.style.setProperty("--opacity", String(find("opacity").value / 100));
};
find("opacity").oninput();

document.addEventListener("visibilitychange", () => acknowledgeViews());

// The token is in a cookie now and need not stay in sight.
history.replaceState(null, "", location.pathname);
live.element.setAttribute("aria-label", "Live picture");
find("live").append(live.element);
for (const choice of document.getElementsByName("overlay")) {
  choice.checked = choice.value === "outline"; // browsers restore the choice from before a reload
}
connect();
