//! Whether a token may push to a vertical at all: one short question, asked before the folder is checked.

use cameo::{
    client::{
        Client, not_yours,
        wire::{ForeignVertical, Whoami},
    },
    model::{
        error::{Error, Kind, Place},
        key::Vertical,
        token::{Role, Verticals},
    },
};

/// Asks the server what the token may do. An error names what it may not, what it may, and whom to ask.
pub(super) async fn check(client: &Client, vertical: &Vertical) -> Result<(), Error> {
    may(&client.get("/api/v1/whoami").await?, vertical)
}

fn may(whoami: &Whoami, vertical: &Vertical) -> Result<(), Error> {
    let Whoami { name, role, verticals, .. } = whoami;
    let what = format!("push to {vertical}");
    if let (false, Verticals::Only(own)) = (verticals.include(vertical), verticals) {
        let own = own.iter().map(ToString::to_string).collect();
        return Err(not_yours(&what, &ForeignVertical { vertical: Some(vertical.to_string()), own }));
    }
    if *role < Role::Operator {
        let doing = format!(
            "{what}: the token {name} has the role {role}, and this needs the role operator; ask your engineers for it"
        );
        let korean = format!(
            "이 토큰({name})의 권한은 `{role}` 이라서 버티컬 \"{vertical}\" 에 사진을 올릴 수 없습니다. 엔지니어에게 `operator` 권한의 토큰을 요청해 주세요"
        );
        return Err(Error::new(Place::System, Kind::Denied, doing).in_korean(korean));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cameo::model::lang::Lang;

    use super::*;

    #[test]
    fn what_a_token_may_not_is_named_with_what_it_may() {
        let whoami = |role, verticals: &[&str]| Whoami {
            name: "kim-pc".to_owned(),
            id: None,
            role,
            verticals: Verticals::only_or_all(verticals.iter().map(|name| name.parse().unwrap())),
            expires: None,
            version: "1".to_owned(),
        };
        let eye: Vertical = "eye".parse().unwrap();
        for (role, verticals) in [(Role::Operator, &[][..]), (Role::Admin, &["eye"]), (Role::Operator, &["ear", "eye"])]
        {
            assert!(may(&whoami(role, verticals), &eye).is_ok(), "{role} {verticals:?}");
        }
        for (role, verticals, named) in [
            (Role::Operator, &["ear", "nose"][..], ["\"eye\"", "ear, nose"]),
            (Role::Viewer, &["nose"], ["\"eye\"", "nose"]),
            (Role::Viewer, &[], ["kim-pc", "operator"]),
        ] {
            let error = may(&whoami(role, verticals), &eye).unwrap_err();
            assert_eq!(error.kind(), Kind::Denied);
            for (lang, whom) in [(Lang::En, "ask your engineers"), (Lang::Ko, "엔지니어에게")] {
                let text = error.text(lang);
                assert!(named.iter().all(|name| text.contains(name)) && text.contains(whom), "{text}");
            }
        }
    }
}
