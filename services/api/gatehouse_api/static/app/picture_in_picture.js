// The picture in a small window over all others, where the browser can do that with a film; of an MJPEG it cannot.

export class PictureInPicture {
  constructor(button, video, onTrouble) {
    Object.assign(this, { button, video, onTrouble });
    button.hidden = !document.pictureInPictureEnabled;
    button.addEventListener("click", () => this.toggle());
    for (const name of ["enterpictureinpicture", "leavepictureinpicture", "loadedmetadata", "emptied"]) video.addEventListener(name, () => this.show());
    new MutationObserver(() => this.show()).observe(video, { attributeFilter: ["hidden"] });
    this.show();
  }

  get isOut() { return document.pictureInPictureElement === this.video; }

  show() {
    const { button, video } = this;
    button.disabled = !this.isOut && (video.hidden || !video.videoWidth);
    button.setAttribute("aria-pressed", this.isOut);
  }

  async toggle() {
    try {
      await (this.isOut ? document.exitPictureInPicture() : this.video.requestPictureInPicture());
    } catch (error) {
      this.onTrouble(`The picture stays here: ${error.message}`);
    }
    this.show();
  }
}
