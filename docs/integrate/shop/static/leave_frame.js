/* The checkout page returned to the shop inside the frame: show this page in the whole window. */
if (window.top !== window.self) {
  window.top.location.replace(window.location.href);
}
