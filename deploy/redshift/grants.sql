-- What to run on each cluster, as a superuser, once. Choose ONE way to log in (A, B or C) and ONE privilege (1 or 2).
-- As it stands, this file runs A and 1: a provisioned cluster, and temporary credentials from IAM. The other lines are comments.
-- Nothing more is needed: no schema, no table, no group. lookback reads system tables only, and writes nothing on a cluster.


-- ---- The user ----

-- A. Temporary credentials of a database user: `iam = true` and `user = "lookback"` (GetClusterCredentials).
--    No password, so nobody can log in without IAM.
CREATE USER lookback PASSWORD DISABLE;

-- B. Temporary credentials of the IAM role itself: `iam = true`, no `user` (GetClusterCredentialsWithIAM, on Serverless GetCredentials).
--    The name is IAMR: and the role's name: lookback-exporter and lookback-maintainer in the home account, lookback-collector in others.
--    Redshift creates such a user at its first login. Created beforehand, it has its privilege from the start.
-- CREATE USER "IAMR:lookback-exporter" PASSWORD DISABLE;
-- CREATE USER "IAMR:lookback-maintainer" PASSWORD DISABLE;
-- CREATE USER "IAMR:lookback-collector" PASSWORD DISABLE;

-- C. A password, from SSM, Secrets Manager, a file or the environment. Give Redshift its MD5, so that the password is in no query log:
--    the letters md5, then the MD5 of the password followed by the user's name:  printf %s 'PASSWORDlookback' | md5sum
--    A sha256 password does not work: PostgreSQL clients do not know that kind of login.
-- CREATE USER lookback PASSWORD 'md5<32 HEXADECIMAL DIGITS>';


-- ---- What it sees ----

-- Without one of these the user sees rows of its own queries only. lookback notices that and exports nothing.

-- 1. Rows of all users, in the STL and SVL tables and the SYS views. For provisioned clusters.
ALTER USER lookback SYSLOG ACCESS UNRESTRICTED;
-- ALTER USER "IAMR:lookback-exporter" SYSLOG ACCESS UNRESTRICTED;
-- ALTER USER "IAMR:lookback-maintainer" SYSLOG ACCESS UNRESTRICTED;
-- ALTER USER "IAMR:lookback-collector" SYSLOG ACCESS UNRESTRICTED;

-- 2. The role for monitoring. For Serverless workgroups, which have roles from the start, and also for provisioned clusters.
-- GRANT ROLE sys:monitor TO lookback;
-- GRANT ROLE sys:monitor TO "IAMR:lookback-exporter";
-- GRANT ROLE sys:monitor TO "IAMR:lookback-maintainer";
-- GRANT ROLE sys:monitor TO "IAMR:lookback-collector";
