//! The process that renders: a hidden subcommand of the same executable, which does nothing else.
//!
//! It takes its setup from the socket that stands in for its standard input, limits itself, and only then looks at an original.
//! It must never open anything, start anything, or use the network: `sandbox` sees to that where the operating system can.
//! What goes wrong here ends the process; the host reads the exit and the tail of standard error.

use std::{
    fs::File,
    io::{self, IoSliceMut, Write},
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
};

use cameo_image::{Fit, ImageSize, Limits, Rejection, Rendered, SizeSet};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::{
    shared_memory::{self, Inbox},
    wire::{self, Channel, PROTOCOL, Piece, Ready, RenderReply, RenderRequest, Setup},
};

#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod identity;
mod sandbox;

/// What turns an original into renditions: [`cameo_image::render`].
pub type Engine = fn(&[u8], &SizeSet, &Limits) -> Result<Rendered, Rejection>;

/// The argument by which the executable becomes a render child. It must be looked for before any thread is started.
pub const SUBCOMMAND: &str = "render-child";

/// Exit status of a child whose host broke off or made no sense (`EX_PROTOCOL` of `sysexits.h`).
const EXIT_PROTOCOL: i32 = 76;

/// Renders what the host sends until it is gone. For the hidden subcommand; never returns.
pub fn run() -> ! {
    run_with(cameo_image::render)
}

/// [`run`] with another engine.
pub fn run_with(engine: Engine) -> ! {
    let status = match serve(engine) {
        Ok(()) => 0,
        Err(error) => {
            // The host may be gone, and nothing is to be said to it then.
            let _ = writeln!(io::stderr(), "render child: {error}");
            EXIT_PROTOCOL
        }
    };
    std::process::exit(status)
}

fn serve(engine: Engine) -> io::Result<()> {
    let socket = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (setup, original, renditions) = receive_setup(&socket)?;
    if setup.protocol != PROTOCOL {
        return Err(io::Error::other(format!("protocol {PROTOCOL}, but the host speaks {}", setup.protocol)));
    }
    let inbox = Inbox::open(&original)?;
    let protections = sandbox::enter(&setup, &socket, &renditions)?;
    warm_up();
    let mut channel = Channel::new(socket);
    let engine_version = cameo_image::ENGINE_VERSION.to_owned();
    channel.send(&Ready { protocol: PROTOCOL, engine_version, protections })?;
    let limits = setup.limits();
    while let Some(job) = channel.receive::<RenderRequest>()? {
        let size_set = SizeSet::new(job.sizes.into_iter().map(ImageSize::from).collect()).map_err(io::Error::other)?;
        let result = engine(inbox.original(job.original_bytes)?, &size_set, &limits);
        channel.send(&answer(result, &renditions)?)?;
    }
    Ok(())
}

/// The host's first frame and the two files that come with it.
fn receive_setup(socket: &File) -> io::Result<(Setup, File, File)> {
    let mut frame = [0; 4096];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(socket, &mut [IoSliceMut::new(&mut frame)], &mut ancillary, RecvFlags::empty())?;
    let mut files = ancillary.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => files.collect::<Vec<OwnedFd>>(),
        _ => Vec::new(),
    });
    let (Some(original), Some(renditions)) = (files.next(), files.next()) else {
        return Err(io::Error::other("the host sent no files; this command is not for people"));
    };
    Ok((wire::unframe(&frame[..received.bytes])?, original.into(), renditions.into()))
}

/// Renders a picture of our own: a guard that is in the engine's way shows here, not at the first original, which would be blamed for it.
fn warm_up() {
    let original = cameo_image::encode_rgb(&[0x80; 32 * 32 * 3], 32, 32, 80);
    let name = "warm".to_owned();
    let size =
        ImageSize { name, width: 16, height: 16, fit: Fit::Cover, quality: 80, enlarge: true, optimize_coding: true };
    if let Ok(size_set) = SizeSet::new(vec![size]) {
        drop(cameo_image::render(&original, &size_set, &Limits::default()));
    }
}

fn answer(result: Result<Rendered, Rejection>, renditions: &File) -> io::Result<RenderReply> {
    let rendered = match result {
        Ok(rendered) => rendered,
        Err(Rejection { reason, detail, size }) => {
            return Ok(RenderReply::Rejected { reason: reason.code().to_owned(), detail: wire::cut(detail), size });
        }
    };
    shared_memory::write_pieces(renditions, rendered.renditions.iter().map(|rendition| rendition.jpeg.as_slice()))?;
    let pieces = rendered.renditions.into_iter().map(|rendition| Piece {
        image_size: rendition.image_size,
        width: rendition.width,
        height: rendition.height,
        bytes: rendition.jpeg.len(),
    });
    Ok(RenderReply::Rendered { width: rendered.width, height: rendered.height, renditions: pieces.collect() })
}
