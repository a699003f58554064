# Converts the stages and the release's image references to the tables that
# bootkube.sh sources. Every value is quoted for the shell.

($refs[0].spec.tags | map({key: .name, value: .from.name}) | from_entries) as $images
| ([$refs[0].spec.tags[] | (.annotations["io.openshift.build.versions"] // "") | split(",")[]
    | select(startswith("kubernetes=")) | ltrimstr("kubernetes=")] | first // "") as $kubernetes

# fill completes one argument, or omits it if the release does not have its image.
| def fill:
    split("{release}") | join($release)
    | split("{version}") | join($refs[0].metadata.name)
    | split("{kubernetes}") | join($kubernetes)
    | . as $arg
    | if test("\\{image:[^}]+\\}") then
        capture("\\{image:(?<tag>[^}]+)\\}").tag as $tag
        | if $images[$tag] then $arg | split("{image:\($tag)}") | join($images[$tag]) else empty end
      else . end;

def words: [.[]? | fill | @sh] | join(" ");

# verb is everything before the first flag: the command to ask for help.
def verb: . as $args | [$args[]? | strings] | .[:(map(startswith("-")) | index(true)) // length];

.stages[]
| .name as $name
| def set($table; $value): "\($table)[\($name | @sh)]=\($value | tostring | @sh)";
  (if (.image // "") == "release" then $release else $images[.image // ""] // "" end) as $image
| "names+=(\($name | @sh))",
  set("wants"; .image // ""),
  set("image"; $image),
  set("required"; .required // false),
  set("fatal"; .fatal == null or .fatal),
  set("output"; .output // ""),
  set("marker"; .marker // ""),
  set("needs"; (.needs // []) | join(" ")),
  set("options"; [(if .user then "--user=" + .user else empty end),
                  (if .entrypoint then "--entrypoint=" + .entrypoint else empty end),
                  (.mounts[]? | "--volume=" + .), (.env[]? | "--env=" + .), .podman[]?] | words),
  set("verb"; .args | verb | words),
  set("args"; [.args[]? | strings] | words),
  set("optional"; [.args[]? | objects | .arg] | words),
  set("optional_needs"; [.args[]? | objects | .needs[]?] | unique | join(" ")),
  set("host"; .host | words),
  set("copies"; [.copies[]? | "\(.from)|\(.to)|\(.required // false)"] | join("\n")),
  set("clean"; [.clean[]? | "\(.path)|\(.listedIn // "")"] | join("\n")),
  set("remove"; (.remove // []) | join("\n"))
