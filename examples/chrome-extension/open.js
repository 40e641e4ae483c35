// A click on the extension opens its page in a tab: a popup would end, and the recording with it, at the next click.
chrome.action.onClicked.addListener(() => chrome.tabs.create({ url: chrome.runtime.getURL("recorder.html") }));
