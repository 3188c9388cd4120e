/* Applies the shop's styles: the properties that Hosted Fields allow, and none that would load something. */
const PREFIXED = ["appearance", "box-shadow", "tap-highlight-color", "transition"];
const ALLOWED_STYLES = new Set([
  "appearance", "box-shadow", "color", "direction", "font", "font-family", "font-size", "font-size-adjust",
  "font-stretch", "font-style", "font-variant", "font-variant-alternates", "font-variant-caps",
  "font-variant-east-asian", "font-variant-ligatures", "font-variant-numeric", "font-weight", "letter-spacing",
  "line-height", "margin", "margin-top", "margin-right", "margin-bottom", "margin-left", "opacity", "outline",
  "padding", "padding-top", "padding-right", "padding-bottom", "padding-left", "text-align", "text-shadow", "transition",
  "-moz-osx-font-smoothing", "-webkit-font-smoothing", "-webkit-text-fill-color",
  ...PREFIXED.flatMap((name) => [`-moz-${name}`, `-webkit-${name}`]),
]);

function applyStyles(styles) {
  const element = document.createElement("style");
  document.head.appendChild(element);
  addRules(element.sheet, styles);
}

function addRules(sheet, styles) {
  Object.entries(styles || {}).forEach(([selector, rules]) => {
    const rule = insertRule(sheet, selector);
    if (!rule) {
      return;
    }
    if (selector.trim().startsWith("@media")) {
      addRules(rule, rules);
      return;
    }
    Object.entries(rules).forEach(([name, value]) => setProperty(rule.style, name, String(value)));
  });
}

/* The new and empty rule; undefined for a selector that the browser does not know, such as another browser's. */
function insertRule(sheet, selector) {
  if (/[{}]/.test(selector)) {
    return undefined;
  }
  try {
    const place = sheet.insertRule(`${selector} {}`, sheet.cssRules.length);
    return sheet.cssRules[place];
  } catch {
    return undefined;
  }
}

function setProperty(style, given, value) {
  const name = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  if (!ALLOWED_STYLES.has(name) || /url\s*\(/i.test(value)) {
    console.warn(`Hosted Fields do not support the style "${given}: ${value}".`);
    return;
  }
  style.setProperty(name, value);
}
