//! Access control lists: they say what is so, and nothing else can be asked for. Everything is its owner's alone, or open to everybody's
//! reading where `s3.public_read` names the bucket.
//!
//! Tools read and write them by habit; rights are given by access key (see `keys`).

use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        AccessControlPolicy, GetBucketAclInput, GetBucketAclOutput, GetObjectAclInput, GetObjectAclOutput, Grant,
        Grantee, Permission, PutBucketAclInput, PutBucketAclOutput, PutObjectAclInput, PutObjectAclOutput, Type,
    },
};

use super::Operations;
use crate::serve::s3_api::{
    errors::{acl_not_supported, refused},
    translate::{OWNER, owner},
};

/// The canned list that says what is so.
fn canned_of(is_public: bool) -> &'static str {
    if is_public { "public-read" } else { "private" }
}

/// Everybody, with or without a signature.
const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";

fn grants(is_public: bool) -> Vec<Grant> {
    let grantee = Grantee {
        display_name: Some(OWNER.to_owned()),
        email_address: None,
        id: Some(OWNER.to_owned()),
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    let everybody = || Grantee {
        display_name: None,
        email_address: None,
        id: None,
        type_: Type::from_static(Type::GROUP),
        uri: Some(ALL_USERS.to_owned()),
    };
    let grant =
        |grantee, permission| Grant { grantee: Some(grantee), permission: Some(Permission::from_static(permission)) };
    let mut grants = vec![grant(grantee, Permission::FULL_CONTROL)];
    if is_public {
        grants.push(grant(everybody(), Permission::READ));
    }
    grants
}

/// What a grant gives, if it is one that is so.
enum Given {
    All,
    EverybodysReading,
}

fn given(grant: &Grant) -> Option<Given> {
    let (grantee, permission) = (grant.grantee.as_ref()?, grant.permission.as_ref()?.as_str());
    match (grantee.type_.as_str(), grantee.id.as_deref(), grantee.uri.as_deref(), permission) {
        (Type::CANONICAL_USER, Some(OWNER), None, Permission::FULL_CONTROL) => Some(Given::All),
        (Type::GROUP, None, Some(ALL_USERS), Permission::READ) => Some(Given::EverybodysReading),
        _ => None,
    }
}

/// Whether a list says what is so, all of it and nothing else.
fn is_so(is_public: bool, policy: &AccessControlPolicy) -> bool {
    let is_ours = policy.owner.as_ref().is_none_or(|owner| owner.id.as_deref().is_none_or(|id| id == OWNER));
    let given: Option<Vec<Given>> = policy.grants.iter().flatten().map(given).collect();
    is_ours
        && given.is_some_and(|given| {
            given.iter().any(|given| matches!(given, Given::All))
                && given.iter().any(|given| matches!(given, Given::EverybodysReading)) == is_public
        })
}

/// Refuses lists that say something else than what is so. Some tools read a list and write it back after a copy.
fn require_what_is_so(is_public: bool, canned: Option<&str>, policy: Option<&AccessControlPolicy>) -> S3Result<()> {
    let is_so = match (canned, policy) {
        (Some(_), Some(_)) => {
            return Err(s3s::s3_error!(
                UnexpectedContent,
                "An access control list is given by x-amz-acl or by a body, not by both. Nothing was changed."
            ));
        }
        (canned, None) => canned == Some(canned_of(is_public)),
        (None, Some(policy)) => is_so(is_public, policy),
    };
    if is_so { Ok(()) } else { Err(acl_not_supported(is_public)) }
}

impl Operations {
    fn is_public(&self, bucket: &str) -> bool {
        self.access.keys.is_public(bucket)
    }

    pub(super) async fn get_bucket_acl(
        &self,
        request: S3Request<GetBucketAclInput>,
    ) -> S3Result<S3Response<GetBucketAclOutput>> {
        self.require_bucket(&request.input.bucket)?;
        let grants = grants(self.is_public(&request.input.bucket));
        Ok(S3Response::new(GetBucketAclOutput { grants: Some(grants), owner: Some(owner()) }))
    }

    pub(super) async fn get_object_acl(
        &self,
        request: S3Request<GetObjectAclInput>,
    ) -> S3Result<S3Response<GetObjectAclOutput>> {
        self.store.look_up(&request.input.bucket, &request.input.key).map_err(refused)?;
        let grants = grants(self.is_public(&request.input.bucket));
        let output = GetObjectAclOutput { grants: Some(grants), owner: Some(owner()), ..GetObjectAclOutput::default() };
        Ok(S3Response::new(output))
    }

    pub(super) async fn put_bucket_acl(
        &self,
        request: S3Request<PutBucketAclInput>,
    ) -> S3Result<S3Response<PutBucketAclOutput>> {
        self.require_bucket(&request.input.bucket)?;
        let (canned, policy) = (request.input.acl.as_ref(), request.input.access_control_policy.as_ref());
        require_what_is_so(
            self.is_public(&request.input.bucket),
            canned.map(s3s::dto::BucketCannedACL::as_str),
            policy,
        )?;
        Ok(S3Response::new(PutBucketAclOutput::default()))
    }

    pub(super) async fn put_object_acl(
        &self,
        request: S3Request<PutObjectAclInput>,
    ) -> S3Result<S3Response<PutObjectAclOutput>> {
        self.store.look_up(&request.input.bucket, &request.input.key).map_err(refused)?;
        let (canned, policy) = (request.input.acl.as_ref(), request.input.access_control_policy.as_ref());
        require_what_is_so(
            self.is_public(&request.input.bucket),
            canned.map(s3s::dto::ObjectCannedACL::as_str),
            policy,
        )?;
        Ok(S3Response::new(PutObjectAclOutput::default()))
    }
}
