//! Makes the default renditions of a JPEG file: `render FILE FOLDER`.

use std::{env, error::Error, fs, path::Path};

use cameo_image::{Fit, ImageSize, Limits, SizeSet, render};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [file, folder] = &arguments[..] else { return Err("usage: render FILE FOLDER".into()) };
    let size = |name: &str, width, height, fit| ImageSize {
        name: name.to_owned(),
        width,
        height,
        fit,
        quality: 82,
        enlarge: false,
        optimize_coding: false,
    };
    let sizes = SizeSet::new(vec![
        size("sq", 360, 360, Fit::Cover),
        size("ve", 360, 480, Fit::Cover),
        size("ho", 480, 270, Fit::Cover),
        size("or", 1080, 1080, Fit::Inside),
    ])?;
    let rendered = render(&fs::read(file)?, &sizes, &Limits::default())
        .map_err(|rejection| format!("{}: {}", rejection.reason.code(), rejection.detail))?;
    fs::create_dir_all(folder)?;
    for rendition in rendered.renditions {
        let name = Path::new(folder).join(format!("{}.jpg", rendition.image_size));
        fs::write(&name, rendition.jpeg)?;
        println!("{}: {} × {}", name.display(), rendition.width, rendition.height);
    }
    Ok(())
}
