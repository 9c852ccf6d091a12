//! Access control lists: everything is its owner's alone, and nothing else can be asked for.
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

/// The one canned list that says what is so anyway.
const PRIVATE: &str = "private";

fn grants() -> Vec<Grant> {
    let grantee = Grantee {
        display_name: Some(OWNER.to_owned()),
        email_address: None,
        id: Some(OWNER.to_owned()),
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    vec![Grant { grantee: Some(grantee), permission: Some(Permission::from_static(Permission::FULL_CONTROL)) }]
}

/// Refuses lists that would give somebody else a right. Some tools read a list and write it back after a copy.
fn require_private(canned: Option<&str>, policy: Option<&AccessControlPolicy>) -> S3Result<()> {
    let is_owner = |grant: &Grant| grant.grantee.as_ref().and_then(|grantee| grantee.id.as_deref()) == Some(OWNER);
    let is_ours = |policy: &AccessControlPolicy| {
        policy.owner.as_ref().is_none_or(|owner| owner.id.as_deref().is_none_or(|id| id == OWNER))
    };
    let is_own = |policy: &AccessControlPolicy| is_ours(policy) && policy.grants.iter().flatten().all(is_owner);
    if canned == Some(PRIVATE) || (canned.is_none() && policy.is_some_and(is_own)) {
        return Ok(());
    }
    Err(acl_not_supported())
}

impl Operations {
    pub(super) async fn get_bucket_acl(
        &self,
        request: S3Request<GetBucketAclInput>,
    ) -> S3Result<S3Response<GetBucketAclOutput>> {
        self.require_bucket(&request.input.bucket)?;
        Ok(S3Response::new(GetBucketAclOutput { grants: Some(grants()), owner: Some(owner()) }))
    }

    pub(super) async fn get_object_acl(
        &self,
        request: S3Request<GetObjectAclInput>,
    ) -> S3Result<S3Response<GetObjectAclOutput>> {
        self.store.look_up(&request.input.bucket, &request.input.key).map_err(refused)?;
        let output =
            GetObjectAclOutput { grants: Some(grants()), owner: Some(owner()), ..GetObjectAclOutput::default() };
        Ok(S3Response::new(output))
    }

    pub(super) async fn put_bucket_acl(
        &self,
        request: S3Request<PutBucketAclInput>,
    ) -> S3Result<S3Response<PutBucketAclOutput>> {
        self.require_bucket(&request.input.bucket)?;
        let (canned, policy) = (request.input.acl.as_ref(), request.input.access_control_policy.as_ref());
        require_private(canned.map(s3s::dto::BucketCannedACL::as_str), policy)?;
        Ok(S3Response::new(PutBucketAclOutput::default()))
    }

    pub(super) async fn put_object_acl(
        &self,
        request: S3Request<PutObjectAclInput>,
    ) -> S3Result<S3Response<PutObjectAclOutput>> {
        self.store.look_up(&request.input.bucket, &request.input.key).map_err(refused)?;
        let (canned, policy) = (request.input.acl.as_ref(), request.input.access_control_policy.as_ref());
        require_private(canned.map(s3s::dto::ObjectCannedACL::as_str), policy)?;
        Ok(S3Response::new(PutObjectAclOutput::default()))
    }
}
