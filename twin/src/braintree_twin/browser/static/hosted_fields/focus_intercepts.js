/*
 * Invisible inputs beside the field, for browsers whose keyboard does not leave a frame by itself: software keyboards,
 * and Firefox. Once one of them is focused, the component moves the focus to the next element of the shop's form.
 */
const INTERCEPT_STYLE =
  "border:none;display:block;height:1px;left:-1px;opacity:0;position:absolute;top:-1px;width:1px";

function needsFocusIntercepts() {
  return /Android|CrOS|iPhone|iPad|iPod|Firefox/.test(navigator.userAgent);
}

function addFocusIntercepts(field, channel, bus) {
  if (!needsFocusIntercepts()) {
    return;
  }
  [["before", "beforebegin"], ["after", "afterend"]].forEach(([direction, place]) => {
    const intercept = document.createElement("input");
    intercept.id = `bt-${field.key}-${direction}-${channel}`;
    intercept.className = "focus-intercept";
    intercept.style.cssText = INTERCEPT_STYLE;
    intercept.setAttribute("aria-hidden", "true");
    intercept.setAttribute("autocomplete", "off");
    intercept.addEventListener("focus", () => {
      bus.emit("TRIGGER_FOCUS_CHANGE", { field: field.key, direction });
      intercept.blur();
    });
    field.input.insertAdjacentElement(place, intercept);
  });
  bus.on("REMOVE_FOCUS_INTERCEPTS", (data) => {
    const selector = data && data.id ? `#${CSS.escape(data.id)}` : ".focus-intercept";
    document.querySelectorAll(selector).forEach((element) => element.remove());
  });
}
