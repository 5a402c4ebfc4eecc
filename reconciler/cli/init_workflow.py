"""The CI workflow of a new mapping repository: plans on the pull request, applies after the merge what was approved."""

_INSTALLED = """\
      # Actions are pinned by commit, for a tag can be moved; the comment says which version it is.
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
      - run: pipx install "$RECONCILER_PACKAGE"
        env:
          RECONCILER_PACKAGE: ${{ vars.RECONCILER_PACKAGE }}
"""
_CREDENTIALS = """\
        env:
          CONNECTWISE_CLIENT_ID: ${{ secrets.CONNECTWISE_CLIENT_ID }}
          CONNECTWISE_PUBLIC_KEY: ${{ secrets.CONNECTWISE_PUBLIC_KEY }}
          CONNECTWISE_PRIVATE_KEY: ${{ secrets.CONNECTWISE_PRIVATE_KEY }}
          RECONCILER_STATE: ${{ secrets.RECONCILER_STATE }}
"""

WORKFLOW = f"""\
# A pull request is planned and the plan put into a comment; after the merge the same plan is applied, and no other.
#
# To set up:
#   - a repository variable RECONCILER_PACKAGE: the address of a release's wheel, with its hash at the end
#     (…/reconciler-0.1.0-py3-none-any.whl#sha256=…); the name alone is another project's on PyPI;
#   - an environment "billing-plan": the three CONNECTWISE_… secrets of a key that may only read, and RECONCILER_STATE
#     (the address of a database that all runs share: a runner forgets its files) with a role that may only read;
#   - an environment "billing", for the branch main alone and with required reviewers: the same four, of a key and a
#     role that may write. Keep secrets out of the repository's own: there every branch's workflow could read them.
# A pull request from a fork gets no secrets: its files are checked, nothing is planned.
name: billing

on:
  pull_request:
  push:
    branches: [main]

permissions:
  contents: read

# Two runs never write at the same time, and none is cut off in the middle.
concurrency:
  group: billing-${{{{ github.ref }}}}
  cancel-in-progress: false

jobs:
  validate:
    runs-on: ubuntu-latest
    steps:
{_INSTALLED}\
      - run: reconciler validate --format github

  plan:
    if: github.event_name == 'pull_request' && github.event.pull_request.head.repo.full_name == github.repository
    needs: validate
    environment: billing-plan
    runs-on: ubuntu-latest
    steps:
{_INSTALLED}\
      - run: |
          status=0
          reconciler plan --out plan.json --format markdown > plan.md || status=$?
          cat plan.md >> "$GITHUB_STEP_SUMMARY"
          reconciler show plan.json --format digest > plan.digest
          exit "$status"
{_CREDENTIALS}\
      # The plan's text is kept for the next job, its digest until the merge; the plan itself is made again then.
      - if: always()
        uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2
        with: {{name: plan-comment, path: plan.md, retention-days: 1}}
      - uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2
        with: {{name: plan-digest, path: plan.digest, retention-days: 30}}

  # Writes the comment: no secret, no checkout, and nothing of the pull request is run.
  comment:
    if: always() && (needs.plan.result == 'success' || needs.plan.result == 'failure')
    needs: plan
    permissions:
      pull-requests: write # the comment
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@d3f86a106a0bac45b974a628896c90dbdf5c8093 # v4.3.0
        with: {{name: plan-comment}}
      # One comment, found again by its first line: other workflows comment under the same name.
      - run: |
          {{ echo "$MARK"; cat plan.md; }} > comment.md
          comments="repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments"
          ours=$(gh api --paginate "$comments" --jq \\
            '.[] | select(.user.login == "github-actions[bot]" and (.body | startswith(env.MARK))) | .id')
          if test -n "$ours"; then
            comment="repos/$GITHUB_REPOSITORY/issues/comments/${{ours%%[!0-9]*}}"
            gh api --silent --method PATCH "$comment" --field body=@comment.md
          else
            gh api --silent --method POST "$comments" --field body=@comment.md
          fi
        env:
          GH_TOKEN: ${{{{ github.token }}}}
          MARK: <!-- the plan of billing.yml -->
          NUMBER: ${{{{ github.event.pull_request.number }}}}

  apply:
    if: github.event_name == 'push' && github.ref == 'refs/heads/main'
    needs: validate
    environment: billing
    permissions:
      contents: read
      actions: read # the digest of the pull request's run
      pull-requests: read # which pull request was merged
    runs-on: ubuntu-latest
    steps:
{_INSTALLED}\
      # What was approved: the digest that the last green run on the merged pull request's last commit told.
      - run: |
          head=$(gh api "repos/$GITHUB_REPOSITORY/commits/$GITHUB_SHA/pulls" --jq \\
            '[.[] | select(.merged_at and .head.repo.full_name == env.GITHUB_REPOSITORY)][0].head.sha // empty')
          test -n "$head" || {{ echo "::error::no merged pull request brought $GITHUB_SHA"; exit 1; }}
          runs="repos/$GITHUB_REPOSITORY/actions/workflows/billing.yml/runs?event=pull_request&status=success&head_sha=$head"
          run=$(gh api "$runs" --jq \\
            '[.workflow_runs[] | select(.head_repository.full_name == env.GITHUB_REPOSITORY)][0].id // empty')
          test -n "$run" || {{ echo "::error::the plan of $head did not end well, or was not made"; exit 1; }}
          gh run download "$run" --repo "$GITHUB_REPOSITORY" --name plan-digest
        env:
          GH_TOKEN: ${{{{ github.token }}}}
      # Planned again from what was merged, with the PSA as it is now; `exec`, so that a stop reaches the command.
      - run: |
          reconciler plan --out plan.json --format markdown >> "$GITHUB_STEP_SUMMARY"
          exec reconciler apply plan.json --expect-digest "$(cat plan.digest)"
{_CREDENTIALS}\
"""
