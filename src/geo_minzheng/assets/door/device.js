// A scanned code stands behind "#", which no browser sends: put it into the form and take it out of the address.
const code = decodeURIComponent(location.hash.slice(1));
history.replaceState(null, "", location.pathname);
if (code) {
  document.getElementById("code").value = code;
  document.forms[0].submit();
}
