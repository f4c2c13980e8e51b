. "$here/selinux/functions.sh"
make_storage() { make_one_of_each; }
open_storage() { :; }
after_mounts() {
  enforce less
  confine_flashfreeze
}
